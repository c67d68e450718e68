import { describe, expect, it } from 'vitest'
import { KMS_SPACE, rowsUnder } from '../../../src/kms/keyspace.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { bucketCrn, kmsWorld, rootKey } from '../../support/kms-world.ts'

const DEK = Buffer.alloc(32, 0xd3)
const PAGE = { offset: 0, limit: 100 }

describe('after a restart over the same store', () => {
  it('everything is as it was: keys, states, versions, aliases, registrations', async () => {
    const world = await kmsWorld()
    const { kms, caller, serviceCaller } = world
    const key = await rootKey(world)
    const old = kms.wrap(caller, key, DEK, ['x'])
    await kms.rotateKey(caller, key)
    await kms.createAlias(caller, key, 'payroll')
    await kms.register(serviceCaller, key, { resourceCrn: bucketCrn('one'), preventKeyDeletion: true })
    world.passTime(1)
    const disabled = await rootKey(world, 'disabled')
    await kms.disableKey(caller, disabled)
    const before = {
      keys: kms.listKeys(caller, {}, PAGE),
      versions: kms.listKeyVersions(caller, key, PAGE),
      registrations: kms.listRegistrations(caller, undefined, {}, PAGE),
    }

    const { kms: reopened } = await world.reopen()
    expect(reopened.listKeys(caller, {}, PAGE)).toEqual(before.keys)
    expect(reopened.listKeyVersions(caller, key, PAGE)).toEqual(before.versions)
    expect(reopened.listRegistrations(caller, undefined, {}, PAGE)).toEqual(before.registrations)
    expect(reopened.unwrap(caller, 'payroll', old.ciphertext, ['x']).plaintext).toEqual(DEK)
    expect(() => reopened.wrap(caller, disabled, DEK, [])).toThrow(expect.objectContaining({ code: 'InvalidKeyState' }))
  })

  it('the service root key is the same one', async () => {
    const world = await kmsWorld()
    const crn = await world.kms.ensureServiceRootKey()
    expect(await world.kms.ensureServiceRootKey()).toBe(crn)
    expect(await (await world.reopen()).kms.ensureServiceRootKey()).toBe(crn)
  })

  it('another sealing key opens nothing', async () => {
    const world = await kmsWorld()
    const key = await rootKey(world)
    const { kms } = await kmsWorld({ store: world.store, sealingKey: Buffer.alloc(32, 8) })
    expect(() => kms.wrap(world.caller, key, DEK, [])).toThrow(expect.objectContaining({ code: 'KeyDamaged' }))
  })

  it('a record that does not decode stops the start', async () => {
    const world = await kmsWorld()
    await rootKey(world)
    const [row] = await world.store.range(KMS_SPACE.key, { ...rowsUnder(Buffer.alloc(0)), limit: 1 })
    const value = Buffer.from('{"format":2}')
    await world.store.commit([{ type: 'put', space: KMS_SPACE.key, key: row?.key ?? Buffer.alloc(1), value }])
    await expect(world.reopen()).rejects.toThrow(expect.objectContaining({ code: 'KeyDamaged' }))
  })

  it('material moved to another key does not open', async () => {
    const world = await kmsWorld()
    await rootKey(world)
    const key = await rootKey(world)
    const [one, other] = await world.store.range(KMS_SPACE.version, { ...rowsUnder(Buffer.alloc(0)), limit: 2 })
    await world.store.commit([
      {
        type: 'put',
        space: KMS_SPACE.version,
        key: one?.key ?? Buffer.alloc(1),
        value: other?.value ?? Buffer.alloc(1),
      },
      {
        type: 'put',
        space: KMS_SPACE.version,
        key: other?.key ?? Buffer.alloc(1),
        value: one?.value ?? Buffer.alloc(1),
      },
    ])
    const { kms } = await world.reopen()
    expect(() => kms.wrap(world.caller, key, DEK, [])).toThrow(expect.objectContaining({ code: 'KeyDamaged' }))
  })
})

describe('when the store fails', () => {
  it('a change that may or may not be stored makes the key unusable rather than guessed at', async () => {
    const failing = failingStore(memoryStore())
    const world = await kmsWorld({ store: failing.store })
    const key = await rootKey(world)
    failing.fail()
    const { kms, caller } = world
    await expect(kms.disableKey(caller, key)).rejects.toThrow(expect.objectContaining({ code: 'KeyUnavailable' }))
    expect(() => kms.wrap(caller, key, DEK, [])).toThrow(expect.objectContaining({ code: 'KeyUnavailable' }))
  })
})

function failingStore(store: MetadataStore): { readonly store: MetadataStore; readonly fail: () => void } {
  let failing = false
  const commit: MetadataStore['commit'] = async (writes) => {
    if (failing) throw new Error('disk on fire')
    return store.commit(writes)
  }
  return {
    store: { ...store, commit },
    fail: () => {
      failing = true
    },
  }
}
