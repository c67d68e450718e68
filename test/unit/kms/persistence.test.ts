import { describe, expect, it } from 'vitest'
import { KMS_SPACE, rowsUnder } from '../../../src/kms/keyspace.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { bucketCrn, KMS_INSTANCE, type KmsWorld, kmsWorld, rootKey } from '../../support/kms-world.ts'

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

  const damage = async (world: KmsWorld, space: number, at: number): Promise<void> => {
    const rows = await world.store.range(space, { ...rowsUnder(Buffer.alloc(0)), limit: 100 })
    const row = rows.filter(({ key }) => key.toString('hex').startsWith(KMS_INSTANCE.replaceAll('-', ''))).at(at)
    await world.store.commit([
      { type: 'put', space, key: row?.key ?? Buffer.alloc(1), value: Buffer.from('{"format":2}') },
    ])
  }

  it.each(['key', 'version'] as const)('a %s that does not decode is its own key’s concern', async (space) => {
    const world = await kmsWorld()
    const ids = [await rootKey(world), await rootKey(world)].toSorted()
    const [broken = '', whole = ''] = ids
    await world.kms.createAlias(world.caller, broken, 'broken')
    const stored = await world.store.range(KMS_SPACE[space], { ...rowsUnder(Buffer.alloc(0)), limit: 100 })
    await damage(world, KMS_SPACE[space], 0)
    const { kms, caller, damages } = await world.reopen()
    expect(damages).toMatchObject([{ instanceId: KMS_INSTANCE, keyId: broken }])
    expect(kms.wrap(caller, whole, DEK, []).ciphertext.length).toBeGreaterThan(0)
    expect(() => kms.wrap(caller, broken, DEK, [])).toThrow(expect.objectContaining({ code: 'KeyDamaged' }))
    await expect(kms.deleteKey(caller, broken, { force: true })).rejects.toMatchObject({ code: 'KeyDamaged' })
    await expect(kms.createAlias(caller, whole, 'broken')).rejects.toMatchObject({ code: 'AliasExists' })
    expect(kms.holdsKeys(KMS_INSTANCE)).toBe(true)
    await kms.sweep()
    expect((await world.store.range(KMS_SPACE[space], { ...rowsUnder(Buffer.alloc(0)), limit: 100 })).length).toBe(
      stored.length,
    )
  })

  it('the service root key takes a new version, told to who listens', async () => {
    const { kms } = await kmsWorld()
    const crn = await kms.ensureServiceRootKey()
    const events: string[] = []
    kms.onKeyEvent(({ type, keyCrn }) => void events.push(`${type} ${keyCrn === crn}`))
    await kms.rotateServiceRootKey()
    expect(events).toEqual(['rotated true'])
    expect(await kms.ensureServiceRootKey()).toBe(crn)
  })

  it('a damaged service root key is not replaced by a new one', async () => {
    const world = await kmsWorld()
    const crn = await world.kms.ensureServiceRootKey()
    const [row] = await world.store.range(KMS_SPACE.key, { ...rowsUnder(Buffer.alloc(0)), limit: 1 })
    const key = row?.key ?? Buffer.alloc(1)
    await world.store.commit([{ type: 'put', space: KMS_SPACE.key, key, value: Buffer.from('damage') }])
    const reopened = await world.reopen()
    expect(await reopened.kms.ensureServiceRootKey()).toBe(crn)
    expect(await world.store.range(KMS_SPACE.key, { ...rowsUnder(Buffer.alloc(0)), limit: 9 })).toHaveLength(1)
  })

  it('a registration that does not decode keeps its key from deletion, until its service ends it', async () => {
    const world = await kmsWorld()
    const id = await rootKey(world)
    await world.kms.register(world.serviceCaller, id, { resourceCrn: bucketCrn('one') })
    await damage(world, KMS_SPACE.registration, 0)
    const { kms, caller, serviceCaller, damages } = await world.reopen()
    expect(damages).toMatchObject([{ keyId: id, what: expect.stringContaining(bucketCrn('one')) }])
    expect(kms.wrap(caller, id, DEK, []).ciphertext.length).toBeGreaterThan(0)
    await expect(kms.deleteKey(caller, id, { force: true })).rejects.toMatchObject({ code: 'KeyDeletionPrevented' })
    await kms.deregister(serviceCaller, id, bucketCrn('one'))
    await kms.deleteKey(caller, id, { force: false })
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
