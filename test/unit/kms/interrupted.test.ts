import { describe, expect, it } from 'vitest'
import { KMS_SPACE, rowsUnder } from '../../../src/kms/keyspace.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { type KmsWorld, kmsWorld, OTHER_MANAGER, PURGER, rootKey } from '../../support/kms-world.ts'

const DEK = Buffer.alloc(32, 0xd3)
const PAGE = { offset: 0, limit: 100 }
const ANY_STATE = { allKeyStates: true }
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Fails the commit after `passing` more, and every later one, as a store does that cannot write any more. */
function breakable(store: MetadataStore) {
  let passing = Number.POSITIVE_INFINITY
  const commit: MetadataStore['commit'] = async (writes) => {
    if (passing-- <= 0) throw new Error('made by the test')
    return store.commit(writes)
  }
  return {
    store: { ...store, commit },
    breakAfter: (commits: number) => {
      passing = commits
    },
    mend: () => {
      passing = Number.POSITIVE_INFINITY
    },
  }
}

const versionsOf = ({ kms, caller }: KmsWorld, key: string): number =>
  kms.listKeyVersions(caller, key, PAGE, ANY_STATE).totalCount

async function days({ kms, passTime }: KmsWorld, count: number): Promise<void> {
  for (let day = 0; day < count; day++) {
    passTime(DAY_MS)
    await kms.sweep()
  }
}

describe('rotation by policy', () => {
  it('that a broken store interrupts goes on after the restart: each key once, none twice, nothing lost', async () => {
    const disk = breakable(memoryStore())
    const world = await kmsWorld({ store: disk.store })
    const keys: { readonly id: string; readonly ciphertext: Buffer }[] = []
    for (let at = 0; at < 5; at++) {
      const id = await rootKey(world)
      keys.push({ id, ciphertext: world.kms.wrap(world.caller, id, DEK, []).ciphertext })
      await world.kms.setKeyPolicies(world.caller, id, { rotation: { enabled: true, intervalMonths: 1 } })
    }
    await days(world, 29)
    world.passTime(DAY_MS)
    // The clock's row, and two keys.
    disk.breakAfter(3)
    await expect(world.kms.sweep()).rejects.toMatchObject({ code: 'KeyUnavailable' })
    disk.mend()
    const reopened = await world.reopen()
    expect(keys.map(({ id }) => versionsOf(reopened, id)).sort()).toEqual([1, 1, 1, 2, 2])
    expect((await reopened.kms.sweep()).rotated).toBe(3)
    expect((await reopened.kms.sweep()).rotated).toBe(0)
    for (const { id, ciphertext } of keys) {
      expect(versionsOf(reopened, id)).toBe(2)
      expect(reopened.kms.unwrap(reopened.caller, id, ciphertext, []).plaintext).toEqual(DEK)
    }
  })

  it('waits while the clock is doubted', async () => {
    const world = await kmsWorld()
    const key = await rootKey(world)
    await world.kms.setKeyPolicies(world.caller, key, { rotation: { enabled: true, intervalMonths: 1 } })
    await world.kms.sweep()
    world.passTime(365 * DAY_MS)
    expect((await world.kms.sweep()).rotated).toBe(0)
    world.passTime(HOUR_MS)
    expect((await world.kms.sweep()).rotated).toBe(1)
  })
})

describe('a purge', () => {
  it.each([0, 1, 2, 3, 4])(
    'that a broken store interrupts after %i commits is repeated after the restart',
    async (commits) => {
      const disk = breakable(memoryStore())
      const world = await kmsWorld({ store: disk.store, settings: { rotateIntervalMs: 0 } })
      const key = await rootKey(world)
      await world.kms.createAlias(world.caller, key, 'gone')
      await world.kms.rotateKey(world.caller, key)
      await world.kms.deleteKey(world.caller, key, { force: false })
      world.passTime(4 * HOUR_MS)
      const purger = { ...world.caller, principal: PURGER }
      disk.breakAfter(commits)
      await expect(world.kms.purgeKey(purger, key)).rejects.toMatchObject({ code: 'KeyUnavailable' })
      disk.mend()
      const { kms, store } = await world.reopen()
      const { state, deletion } = kms.getKeyMetadata(world.caller, key)
      expect([state, deletion?.restoreAllowed]).toEqual([5, commits === 0])
      // The first commit takes the material: what is left of the key is not to be had back as one that opens nothing.
      if (commits > 0) await expect(kms.restoreKey(world.caller, key)).rejects.toMatchObject({ code: 'RestoreExpired' })
      await kms.purgeKey(purger, key)
      expect(() => kms.getKeyMetadata(world.caller, key)).toThrow(expect.objectContaining({ code: 'KeyNotFound' }))
      for (const space of [KMS_SPACE.key, KMS_SPACE.version, KMS_SPACE.alias]) {
        expect(await store.range(space, { ...rowsUnder(Buffer.alloc(0)), limit: 10 })).toEqual([])
      }
    },
  )
})

describe('after a restart', () => {
  it('rings, policies and a first authorization are as they were', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    await kms.createKeyRing(caller, 'team')
    await kms.setInstancePolicies(caller, [{ type: 'rotation', enabled: true, attributes: { intervalMonths: 3 } }])
    const inRing = { ...caller, keyRing: 'team' }
    const { key } = await kms.createKey(inRing, { name: 'kept', extractable: false })
    const { id } = key.record
    await kms.setKeyPolicies(caller, id, { dualAuthDelete: { enabled: true } })
    await kms.setKeyForDeletion(caller, id)
    const before = { key: kms.getKeyMetadata(inRing, id), rings: kms.listKeyRings(caller, PAGE) }
    const { kms: reopened } = await world.reopen()
    expect(reopened.getKeyMetadata(inRing, id)).toEqual(before.key)
    expect(reopened.listKeyRings(caller, PAGE)).toEqual(before.rings)
    expect(reopened.getInstancePolicies(caller).rotation).toMatchObject({ attributes: { intervalMonths: 3 } })
    await reopened.deleteKey({ ...caller, principal: OTHER_MANAGER }, id, { force: false })
  })

  it('keys without policies are stored as before there were any', async () => {
    const world = await kmsWorld()
    await rootKey(world)
    const [row] = await world.store.range(KMS_SPACE.key, { ...rowsUnder(Buffer.alloc(0)), limit: 1 })
    expect(Object.keys(JSON.parse(row?.value.toString('utf8') ?? '')).sort()).toEqual([
      'createdAt',
      'createdBy',
      'erased',
      'extractable',
      'format',
      'id',
      'imported',
      'keyRingId',
      'name',
      'state',
      'stateChangedAt',
      'tags',
      'updatedAt',
    ])
  })

  it('a ring or a policy that does not decode is reported, and the keys serve', async () => {
    for (const space of [KMS_SPACE.keyRing, KMS_SPACE.instancePolicy]) {
      const world = await kmsWorld()
      await world.kms.createKeyRing(world.caller, 'team')
      await world.kms.setInstancePolicies(world.caller, [{ type: 'metrics', enabled: true }])
      const { key: made } = await world.kms.createKey(world.caller, { name: 'served', extractable: false })
      const [row] = await world.store.range(space, { ...rowsUnder(Buffer.alloc(0)), limit: 1 })
      const key = row?.key ?? Buffer.alloc(1)
      await world.store.commit([{ type: 'put', space, key, value: Buffer.from('{"format":1,"colour":"blue"}') }])
      const { kms } = await world.reopen()
      expect(kms.damagedRows()).toBe(1)
      expect(kms.wrapNew(world.caller, made.record.id, []).plaintext).toHaveLength(32)
    }
  })
})
