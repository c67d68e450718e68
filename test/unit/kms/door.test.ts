import { describe, expect, it } from 'vitest'
import { parseCrn } from '../../../src/base/crn.ts'
import { CodedError } from '../../../src/base/errors.ts'
import type { KmsCaller } from '../../../src/kms/door.ts'
import type { AuditErrorCode } from '../../../src/observe/audit-trail.ts'
import {
  bucketCrn,
  kmsWorld,
  MANAGER,
  rootKey,
  STORAGE_INSTANCE,
  STRANGER,
  storageService,
} from '../../support/kms-world.ts'

const DEK = Buffer.alloc(32, 0xd3)
const code = (expected: string) => expect.objectContaining({ code: expected })

describe('every call', () => {
  it('is refused to a caller of another account, whether the key exists or not', async () => {
    const world = await kmsWorld()
    const key = await rootKey(world)
    const stranger: KmsCaller = { ...world.caller, principal: STRANGER }
    for (const id of [key, '99999999-9999-4999-8999-999999999999', 'no-such-alias']) {
      expect(() => world.kms.wrap(stranger, id, DEK, [])).toThrow(code('Unauthorized'))
      expect(() => world.kms.getKey(stranger, id)).toThrow(code('Unauthorized'))
      await expect(world.kms.disableKey(stranger, id)).rejects.toThrow(code('Unauthorized'))
    }
  })

  it('is refused in an instance that does not exist', async () => {
    const { kms, caller } = await kmsWorld()
    for (const instanceGuid of ['99999999-9999-4999-8999-999999999999', 'x', STORAGE_INSTANCE]) {
      expect(() => kms.countKeys({ ...caller, instanceGuid }, {})).toThrow(code('InstanceNotFound'))
    }
  })

  it('asks for the authorization again: taken away, the next call is refused', async () => {
    const world = await kmsWorld()
    const { kms, serviceCaller } = world
    const key = await rootKey(world)
    const { ciphertext } = kms.wrap(serviceCaller, key, DEK, [])
    world.authorized.delete(STORAGE_INSTANCE)
    expect(() => kms.wrap(serviceCaller, key, DEK, [])).toThrow(code('Unauthorized'))
    expect(() => kms.unwrap(serviceCaller, key, ciphertext, [])).toThrow(code('Unauthorized'))
    expect(() => kms.permit(serviceCaller, key, 'wrap')).toThrow(code('Unauthorized'))
    world.authorized.add(STORAGE_INSTANCE)
    expect(kms.unwrap(serviceCaller, key, ciphertext, []).plaintext).toEqual(DEK)
  })

  it('lets a service without authorization take back its own registrations, and nothing else', async () => {
    const world = await kmsWorld()
    const { kms, serviceCaller, caller } = world
    const key = await rootKey(world)
    const resourceCrn = bucketCrn('photos')
    await kms.register(serviceCaller, key, { resourceCrn })
    world.authorized.clear()
    await expect(kms.register(serviceCaller, key, { resourceCrn })).rejects.toThrow(code('Unauthorized'))
    const stranger = { ...serviceCaller, principal: storageService('33333333-3333-4333-8333-333333333333') }
    await expect(kms.deregister(stranger, key, resourceCrn)).rejects.toThrow(code('ForeignResource'))
    await kms.deregister(serviceCaller, key, resourceCrn)
    await kms.deleteKey(caller, key, { force: false })
  })

  it('is audited when a permission is refused, for the state of the key too, and not when it is given', async () => {
    const world = await kmsWorld()
    const { kms, serviceCaller } = world
    const key = await rootKey(world)
    world.events.length = 0
    kms.permit(serviceCaller, key, 'wrap')
    kms.describe(serviceCaller, key)
    expect(world.events).toEqual([])
    await kms.disableKey(world.caller, key)
    world.events.length = 0
    expect(() => kms.permit(serviceCaller, key, 'unwrap')).toThrow(code('InvalidKeyState'))
    world.authorized.clear()
    expect(() => kms.permit(serviceCaller, key, 'wrap')).toThrow(code('Unauthorized'))
    expect(world.events.map((event) => [event.action, event.outcome, event.code])).toEqual([
      ['kms.secrets.unwrap', 'failure', 'InvalidKeyState'],
      ['kms.secrets.unwrap', 'failure', 'Unauthorized'],
    ])
  })

  it('is audited with its outcome, and never with what it carries', async () => {
    const world = await kmsWorld()
    const key = await rootKey(world)
    world.events.length = 0
    world.kms.wrap({ ...world.caller, correlationId: 'c-1' }, key, DEK, ['secret-aad'])
    expect(() => world.kms.unwrap(world.caller, key, DEK, [])).toThrow()
    expect(() => world.kms.wrap({ ...world.caller, principal: STRANGER }, key, DEK, [])).toThrow()
    const about = {
      ...{ iamId: MANAGER.iamId, instance: world.caller.instanceGuid, key, atMs: expect.any(Number), reason: 'test' },
      keyCrn: expect.stringMatching(new RegExp(`^crn:v1:bluemix:public:kms:us-south:.*:key:${key}$`)),
    }
    const keyVersion = expect.stringMatching(/^[0-9a-f-]{36}$/)
    expect(world.events).toEqual([
      { ...about, action: 'kms.secrets.wrap', outcome: 'success', correlationId: 'c-1', keyVersion },
      { ...about, action: 'kms.secrets.unwrap', outcome: 'failure', code: 'InvalidCiphertext' },
      {
        ...about,
        iamId: STRANGER.iamId,
        action: 'kms.secrets.wrap',
        outcome: 'failure',
        code: 'Unauthorized',
      },
    ])
  })
})

describe('the instance of the server itself', () => {
  it('is open to object storage inside the process and to nobody over a wire', async () => {
    const { kms, caller } = await kmsWorld()
    const { instance, resource: key, region } = parseCrn(await kms.ensureServiceRootKey())
    expect(region).toBe('global')
    const storage: KmsCaller = { principal: storageService(), instanceGuid: instance, origin: 'process' }
    const { ciphertext } = kms.wrap(storage, key, DEK, ['a'])
    expect(kms.unwrap(storage, key, ciphertext, ['a']).plaintext).toEqual(DEK)
    expect(() => kms.wrap({ ...storage, origin: 'wire' }, key, DEK, [])).toThrow(code('InstanceNotFound'))
    expect(() => kms.countKeys({ ...caller, instanceGuid: instance }, {})).toThrow(code('InstanceNotFound'))
    expect(() => kms.wrap({ ...storage, principal: MANAGER }, key, DEK, [])).toThrow(code('Unauthorized'))
    await expect(kms.disableKey(storage, key)).rejects.toThrow(code('Unauthorized'))
  })
})

describe('a call that cannot be recorded', () => {
  const unavailable = () => new CodedError<AuditErrorCode>('AuditUnavailable', 'full')

  it('does nothing, be it a use, a change or a question', async () => {
    let full = false
    const ready = () => {
      if (full) throw unavailable()
    }
    const world = await kmsWorld({ audit: { ready } })
    const { kms, caller } = world
    const key = await rootKey(world)
    const { ciphertext } = kms.wrap(caller, key, DEK, [])
    full = true
    expect(() => kms.wrap(caller, key, DEK, [])).toThrow(code('AuditUnavailable'))
    expect(() => kms.unwrap(caller, key, ciphertext, [])).toThrow(code('AuditUnavailable'))
    expect(() => kms.permit(caller, key, 'unwrap')).toThrow(code('AuditUnavailable'))
    expect(() => kms.countKeys(caller, {})).toThrow(code('AuditUnavailable'))
    await expect(kms.disableKey(caller, key)).rejects.toThrow(code('AuditUnavailable'))
    full = false
    expect(kms.unwrap(caller, key, ciphertext, []).plaintext).toEqual(DEK)
  })

  it('answers a change when its record is durable, a use at once', async () => {
    const durable = Promise.withResolvers<void>()
    const world = await kmsWorld({ audit: { settled: () => durable.promise } })
    let answered = false
    const created = rootKey(world).then((key) => {
      answered = true
      return key
    })
    await expect.poll(() => world.events.map(({ action }) => action)).toEqual(['kms.secrets.create'])
    expect(answered).toBe(false)
    durable.resolve()
    const key = await created
    expect(world.events[0]).toMatchObject({ outcome: 'success', keyCrn: expect.stringContaining(`:key:${key}`) })
  })

  it('says so after a change whose record did not become durable', async () => {
    const world = await kmsWorld({ audit: { settled: async () => Promise.reject(unavailable()) } })
    await expect(rootKey(world)).rejects.toThrow(code('AuditUnavailable'))
    expect(world.kms.countKeys(world.caller, {})).toBe(1)
  })
})
