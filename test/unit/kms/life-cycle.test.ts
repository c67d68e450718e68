import { describe, expect, it } from 'vitest'
import { KEY_STATE } from '../../../src/kms/key-states.ts'
import { bucketCrn, kmsWorld, rootKey } from '../../support/kms-world.ts'

const DEK = Buffer.alloc(32, 0xd3)
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const code = (expected: string) => expect.objectContaining({ code: expected })

describe('disable and enable', () => {
  it('stop and resume the key, enabling no earlier than the delay', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const key = await rootKey(world)
    const { ciphertext } = kms.wrap(caller, key, DEK, [])
    await kms.disableKey(caller, key)
    expect(() => kms.wrap(caller, key, DEK, [])).toThrow(code('InvalidKeyState'))
    expect(() => kms.unwrap(caller, key, ciphertext, [])).toThrow(code('InvalidKeyState'))
    expect(() => kms.permit(caller, key, 'unwrap')).toThrow(code('InvalidKeyState'))
    await expect(kms.enableKey(caller, key)).rejects.toThrow(code('TooEarly'))
    world.passTime(30_000)
    await kms.enableKey(caller, key)
    expect(kms.unwrap(caller, key, ciphertext, []).plaintext).toEqual(DEK)
  })
})

describe('expiration', () => {
  it('deactivates: unwrap goes on, wrap does not', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const expiresAt = Date.UTC(2030, 0, 2)
    const { key } = await kms.createKey(caller, { name: 'short-lived', extractable: false, expiresAt })
    const { ciphertext } = kms.wrap(caller, key.record.id, DEK, [])
    world.passTime(DAY_MS)
    expect(kms.getKeyMetadata(caller, key.record.id).state).toBe(KEY_STATE.deactivated)
    expect(() => kms.wrap(caller, key.record.id, DEK, [])).toThrow(code('InvalidKeyState'))
    expect(kms.unwrap(caller, key.record.id, ciphertext, []).plaintext).toEqual(DEK)
    expect(() => kms.permit(caller, key.record.id, 'wrap')).toThrow(code('InvalidKeyState'))
    kms.permit(caller, key.record.id, 'unwrap')
  })
})

describe('rotation', () => {
  it('is free the first time and then refused for an hour', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const key = await rootKey(world)
    await kms.rotateKey(caller, key)
    await expect(kms.rotateKey(caller, key)).rejects.toThrow(code('RotationTooEarly'))
    world.passTime(HOUR_MS)
    await kms.rotateKey(caller, key)
    expect(kms.listKeyVersions(caller, key, { offset: 0, limit: 10 }).totalCount).toBe(3)
  })

  it('of an imported key needs new material, of any other key refuses it', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const imported = { name: 'imported', extractable: false, payload: Buffer.alloc(32, 1) }
    const { key } = await kms.createKey(caller, imported)
    await expect(kms.rotateKey(caller, key.record.id)).rejects.toThrow(code('PayloadRequired'))
    await kms.rotateKey(caller, key.record.id, { payload: Buffer.alloc(16, 2) })
    await expect(kms.rotateKey(caller, await rootKey(world), { payload: Buffer.alloc(32, 2) })).rejects.toThrow(
      code('InvalidField'),
    )
  })

  it('happens once when it is asked for twice at the same time', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const key = await rootKey(world)
    const results = await Promise.allSettled([1, 2, 3].map(() => kms.rotateKey(caller, key)))
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(kms.listKeyVersions(caller, key, { offset: 0, limit: 10 }).totalCount).toBe(2)
  })
})

describe('deletion', () => {
  it('is soft: unusable at once, restorable for 30 days', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const key = await rootKey(world)
    const { ciphertext } = kms.wrap(caller, key, DEK, [])
    const { state, deletion } = await kms.deleteKey(caller, key, { force: false })
    expect(state).toBe(KEY_STATE.destroyed)
    expect(deletion).toMatchObject({ by: caller.principal.iamId, restoreAllowed: true, purgeAllowed: false })
    expect(() => kms.unwrap(caller, key, ciphertext, [])).toThrow(code('InvalidKeyState'))
    await expect(kms.deleteKey(caller, key, { force: true })).rejects.toThrow(code('KeyDeleted'))
    await expect(kms.restoreKey(caller, key)).rejects.toThrow(code('TooEarly'))
    world.passTime(29 * DAY_MS)
    await kms.restoreKey(caller, key)
    expect(kms.unwrap(caller, key, ciphertext, []).plaintext).toEqual(DEK)
  })

  it('is final when the restore window ends: the sweep destroys the material, later the record', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const key = await rootKey(world)
    await kms.deleteKey(caller, key, { force: false })
    expect(await kms.sweep()).toEqual({ rotated: 0, erased: 0, purged: 0 })
    world.passTime(30 * DAY_MS)
    await expect(kms.restoreKey(caller, key)).rejects.toThrow(code('RestoreExpired'))
    await kms.sweep()
    world.passTime(HOUR_MS)
    expect(await kms.sweep()).toEqual({ rotated: 0, erased: 1, purged: 0 })
    const reopened = await world.reopen()
    expect(reopened.kms.getKeyMetadata(caller, key).deletion?.restoreAllowed).toBe(false)
    await expect(reopened.kms.restoreKey(caller, key)).rejects.toThrow(code('RestoreExpired'))
    world.passTime(60 * DAY_MS)
    await reopened.kms.sweep()
    world.passTime(HOUR_MS)
    expect(await reopened.kms.sweep()).toEqual({ rotated: 0, erased: 0, purged: 1 })
    expect(() => reopened.kms.getKeyMetadata(caller, key)).toThrow(code('KeyNotFound'))
    const emptied = await reopened.reopen()
    expect(emptied.kms.countKeys(caller, { states: [0, 1, 2, 3, 5] })).toBe(0)
  })

  it('waits for a clock that jumped far ahead to go on like that, in this run or the next', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const key = await rootKey(world)
    await kms.deleteKey(caller, key, { force: false })
    await kms.sweep()
    world.passTime(365 * DAY_MS)
    expect(await kms.sweep()).toEqual({ rotated: 0, erased: 0, purged: 0 })
    world.passTime(60_000)
    const next = await world.reopen()
    expect(await next.kms.sweep()).toEqual({ rotated: 0, erased: 0, purged: 0 })
    world.passTime(-365 * DAY_MS)
    expect(await next.kms.sweep()).toEqual({ rotated: 0, erased: 0, purged: 0 })
    await next.kms.restoreKey(caller, key)
  })

  it('comes in its time when the clock is looked at daily', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    await kms.deleteKey(caller, await rootKey(world), { force: false })
    const erasedOn: number[] = []
    for (let day = 0; day <= 31; day++) {
      if ((await kms.sweep()).erased > 0) erasedOn.push(day)
      world.passTime(DAY_MS)
    }
    expect(erasedOn).toEqual([30])
  })

  it('leaves keys alone that were restored in time', async () => {
    const world = await kmsWorld({ settings: { restoreDelayMs: 0 } })
    const { kms, caller } = world
    const key = await rootKey(world)
    await kms.deleteKey(caller, key, { force: false })
    await kms.restoreKey(caller, key)
    world.passTime(365 * DAY_MS)
    expect(await kms.sweep()).toEqual({ rotated: 0, erased: 0, purged: 0 })
    kms.wrap(caller, key, DEK, [])
  })

  it('does not restore with other material, nor an expired key', async () => {
    const world = await kmsWorld({ settings: { restoreDelayMs: 0 } })
    const { kms, caller } = world
    const expiresAt = Date.UTC(2030, 0, 2)
    const payload = Buffer.alloc(32, 1)
    const { key } = await kms.createKey(caller, { name: 'imported', extractable: false, expiresAt, payload })
    const { id } = key.record
    await kms.deleteKey(caller, id, { force: false })
    await expect(kms.restoreKey(caller, id, { payload: Buffer.alloc(32, 2) })).rejects.toThrow(code('InvalidField'))
    await kms.restoreKey(caller, id, { payload: Buffer.alloc(32, 1) })
    await kms.deleteKey(caller, id, { force: false })
    world.passTime(DAY_MS)
    await expect(kms.restoreKey(caller, id)).rejects.toThrow(code('KeyExpired'))
  })
})

describe('registrations', () => {
  it('guard against deletion, which force overrides', async () => {
    const world = await kmsWorld()
    const { kms, caller, serviceCaller } = world
    const key = await rootKey(world)
    await kms.register(serviceCaller, key, { resourceCrn: bucketCrn('one') })
    await expect(kms.deleteKey(caller, key, { force: false })).rejects.toThrow(code('ProtectedResource'))
    await kms.deleteKey(caller, key, { force: true })
    await kms.deregister(serviceCaller, key, bucketCrn('one'))
  })

  it('of retained resources guard even against force', async () => {
    const world = await kmsWorld()
    const { kms, caller, serviceCaller } = world
    const key = await rootKey(world)
    await kms.register(serviceCaller, key, { resourceCrn: bucketCrn('one'), preventKeyDeletion: true })
    await expect(kms.deleteKey(caller, key, { force: true })).rejects.toThrow(code('KeyDeletionPrevented'))
    await kms.deregister(serviceCaller, key, bucketCrn('one'))
    await kms.deleteKey(caller, key, { force: false })
  })

  it('are made by a service for its own resources only', async () => {
    const world = await kmsWorld()
    const { kms, caller, serviceCaller } = world
    const key = await rootKey(world)
    await expect(kms.register(caller, key, { resourceCrn: bucketCrn('one') })).rejects.toThrow(code('ServiceOnly'))
    const foreign = bucketCrn('one', '99999999-9999-4999-8999-999999999999')
    await expect(kms.register(serviceCaller, key, { resourceCrn: foreign })).rejects.toThrow(code('ForeignResource'))
    await expect(kms.register(serviceCaller, key, { resourceCrn: 'x' })).rejects.toThrow(code('InvalidField'))
  })

  it('are found by CRN, with wildcards', async () => {
    const world = await kmsWorld()
    const { kms, caller, serviceCaller } = world
    const key = await rootKey(world)
    for (const bucket of ['logs-1', 'logs-2', 'photos']) {
      await kms.register(serviceCaller, key, { resourceCrn: bucketCrn(bucket) })
    }
    const find = (resourceCrnQuery: string, of?: string) =>
      kms.listRegistrations(caller, of, { resourceCrnQuery }, { offset: 0, limit: 10 }).totalCount
    expect(find(bucketCrn('logs-*'))).toBe(2)
    expect(find(bucketCrn('*'))).toBe(3)
    expect(find(bucketCrn('photos'), key)).toBe(1)
    expect(find('crn:v1:*:*:*:*:*:*:*:photos', key)).toBe(1)
    expect(() => find('crn:v1:*:*:*:*:*:*:*:photos')).toThrow(code('CrnQueryInvalid'))
    expect(() => find('photos')).toThrow(code('CrnQueryInvalid'))
  })
})

describe('aliases', () => {
  it('stand for the key wherever an id may stand', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const key = await rootKey(world)
    await kms.createAlias(caller, key, 'payroll')
    const { ciphertext } = kms.wrap(caller, 'payroll', DEK, [])
    expect(kms.unwrap(caller, key, ciphertext, []).plaintext).toEqual(DEK)
    await kms.deleteAlias(caller, 'payroll', 'payroll')
    expect(() => kms.wrap(caller, 'payroll', DEK, [])).toThrow(code('KeyNotFound'))
  })

  it('are unique in the instance, at most five a key', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const [one, other] = [await rootKey(world), await rootKey(world)]
    const results = await Promise.allSettled([one, other].map((key) => kms.createAlias(caller, key, 'same')))
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const { key } = await kms.createKey(caller, {
      name: 'many',
      extractable: false,
      aliases: ['a1', 'a2', 'a3', 'a4', 'a5'],
    })
    await expect(kms.createAlias(caller, key.record.id, 'a6')).rejects.toThrow(code('AliasLimitReached'))
    const taken = { name: 'taken', extractable: false, aliases: ['a1'] }
    await expect(kms.createKey(caller, taken)).rejects.toThrow(code('AliasExists'))
  })

  it.each(['x', 'with space', 'wrap', '11111111-1111-4111-8111-111111111111', 'x'.repeat(91)])(
    'are not %j',
    async (alias) => {
      const world = await kmsWorld()
      await expect(world.kms.createAlias(world.caller, await rootKey(world), alias)).rejects.toThrow(
        code('InvalidField'),
      )
    },
  )
})
