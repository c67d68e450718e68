import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import type { KmsService } from '../../../src/kms/service.ts'
import { followedStore } from '../../support/followed-store.ts'
import { KMS_INSTANCE, kmsWorld } from '../../support/kms-world.ts'

const outcome = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (error) {
    return error instanceof CodedError ? error.code : error
  }
}
const AAD = ['a']

/** What one sees of the keys: by id and by alias, with what each may be used for and whether it opens what it wrapped. */
const seen = (
  kms: KmsService,
  caller: Parameters<KmsService['permit']>[0],
  names: readonly string[],
  wrapped: readonly (readonly [string, Buffer])[],
) => ({
  keys: names.map((name) => [
    outcome(() => kms.permit(caller, name, 'wrap')),
    outcome(() => kms.permit(caller, name, 'unwrap')),
    outcome(() => kms.describe(caller, name)),
    outcome(() => kms.permit({ ...caller, keyRing: 'ring' }, name, 'unwrap')),
  ]),
  opened: wrapped.map(([name, ciphertext]) =>
    outcome(() => {
      const { plaintext, keyVersion } = kms.unwrap(caller, name, ciphertext, AAD)
      return [plaintext.toString('hex'), keyVersion]
    }),
  ),
  knows: kms.holdsKeys(KMS_INSTANCE),
})

const steps = fc.array(
  fc.record({
    act: fc.constantFrom(
      'create',
      'wrap',
      'rotate',
      'disable',
      'enable',
      'delete',
      'restore',
      'alias',
      'unalias',
      'ring',
      'sweep',
    ),
    key: fc.nat({ max: 3 }),
  }),
  { maxLength: 40 },
)

it('has a service that follows know of every key what the one says that owns them, as soon as that has answered', () =>
  fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const { store, followers } = followedStore()
      const clock = { time: Date.UTC(2030, 0, 1) }
      const settings = { enableDelayMs: 0, restoreDelayMs: 0, rotateIntervalMs: 0 }
      const owner = await kmsWorld({ store, clock, settings })
      const follower = await kmsWorld({ store, clock, settings })
      followers.add(follower.kms.follow)
      const synced: string[] = []
      follower.kms.onKeyEvent(({ keyCrn }) => synced.push(keyCrn))
      const { kms, caller } = owner
      const names = ['alias-0', 'alias-1', 'alias-2', 'alias-3']
      const ids: string[] = []
      const wrapped: (readonly [string, Buffer])[] = []
      for (const { act, key } of all) {
        clock.time += 60_000
        const id = ids[key % Math.max(ids.length, 1)]
        const told = synced.length
        const done = await (async () => {
          if (act === 'create') {
            const made = await kms.createKey(caller, { name: `key ${ids.length}`, extractable: false })
            ids.push(made.key.record.id)
            names.push(made.key.record.id)
          } else if (act === 'ring') await kms.createKeyRing(caller, 'ring')
          else if (act === 'sweep') await kms.sweep()
          else if (id === undefined) return
          else if (act === 'wrap') wrapped.push([id, kms.wrapNew(caller, id, AAD).ciphertext])
          else if (act === 'rotate') await kms.rotateKey(caller, id)
          else if (act === 'disable') await kms.disableKey(caller, id)
          else if (act === 'enable') await kms.enableKey(caller, id)
          else if (act === 'delete') await kms.deleteKey(caller, id, { force: true })
          else if (act === 'restore') await kms.restoreKey(caller, id)
          else if (act === 'alias') await kms.createAlias(caller, id, `alias-${key}`)
          else await kms.deleteAlias(caller, id, `alias-${key}`)
          return true
        })().catch((error: unknown) => {
          if (!(error instanceof CodedError)) throw error
        })
        expect(seen(follower.kms, caller, names, wrapped)).toEqual(seen(kms, caller, names, wrapped))
        // Whoever uses keys there looks at them again.
        if (done && ['rotate', 'disable', 'delete', 'restore'].includes(act))
          expect(synced.length).toBeGreaterThan(told)
      }
    }),
    { numRuns: 60 },
  ))
