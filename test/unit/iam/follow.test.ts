import fc from 'fast-check'
import { expect, it } from 'vitest'
import { applyBootstrap } from '../../../src/iam/bootstrap.ts'
import { equal } from '../../../src/iam/policy.ts'
import type { UserPrincipal } from '../../../src/iam/principal.ts'
import type { Target } from '../../../src/iam/target.ts'
import * as home from '../../iam/serve.ts'
import { followedStore } from '../../support/followed-store.ts'

const PEOPLE = ['IBMid-x', 'IBMid-y']
const BUCKETS = ['photos', 'letters']
const roles = (role: string) => [`crn:v1:bluemix:public:iam::::serviceRole:${role}`]
const somebody = (iamId: string): UserPrincipal => ({
  ...{ type: 'user', iamId, accountId: home.ACCOUNT, roles: {}, name: '', email: '' },
})
const target = (resource: string): Target => ({
  ...{ service: 'cloud-object-storage', accountId: home.ACCOUNT, instance: home.OBJECTS },
  ...{ resourceType: 'bucket', resource },
})

const steps = fc.array(
  fc.record({
    act: fc.constantFrom('grant', 'grant', 'delete', 'restore', 'change', 'rotate'),
    who: fc.constantFrom(...PEOPLE),
    bucket: fc.constantFrom(...BUCKETS),
    role: fc.constantFrom('Reader', 'Writer'),
    pick: fc.nat({ max: 20 }),
  }),
  { maxLength: 30 },
)

it('has a thread that follows decide like the one that owns the rights, as soon as that has answered', () =>
  fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const { store, followers } = followedStore()
      const owner = await home.openTestIam(store)
      await applyBootstrap(owner, home.BOOTSTRAP)
      const follower = await home.openTestIam(store)
      followers.add(follower.follow)
      await home.putSomebody(owner, ...PEOPLE)
      const made: string[] = []
      for (const { act, who, bucket, role, pick } of all) {
        const draft = {
          ...{ type: 'access' as const, accountId: home.ACCOUNT, subject: [equal('iam_id', who)], roles: roles(role) },
          resource: [
            equal('accountId', home.ACCOUNT),
            equal('serviceName', 'cloud-object-storage'),
            equal('resource', bucket),
          ],
        }
        const id = made[pick % Math.max(made.length, 1)] ?? ''
        await (async () => {
          if (act === 'grant') made.push((await owner.policies.create(draft, 'test')).id)
          else if (act === 'delete') await owner.policies.delete(id, 'test')
          else if (act === 'restore') await owner.policies.setState(id, 'active', 'test')
          else if (act === 'change') await owner.policies.replace(id, draft, 'test')
          else await owner.signingKeys.rotate()
        })().catch((error: unknown) => expect(error).toMatchObject({ code: expect.stringMatching(/^Policy/) }))
        for (const iamId of PEOPLE) {
          for (const action of ['s3:GetObject', 's3:PutObject'] as const) {
            for (const name of BUCKETS) {
              const asked = [somebody(iamId), action, target(name)] as const
              expect(follower.decide(...asked)).toEqual(owner.decide(...asked))
            }
          }
        }
        expect(follower.signingKeys.jwks()).toEqual(owner.signingKeys.jwks())
        expect([...follower.policies.list(home.ACCOUNT)]).toEqual([...owner.policies.list(home.ACCOUNT)])
      }
      const counted = follower.policies.takePermits()
      const before = made.map((id) => owner.policies.permits(id)?.count ?? 0)
      owner.policies.addPermits(counted)
      expect(made.map((id) => owner.policies.permits(id)?.count ?? 0)).toEqual(
        made.map((id, index) => (before[index] ?? 0) + (counted.get(id)?.count ?? 0)),
      )
      expect(follower.policies.takePermits().size).toBe(0)
    }),
    { numRuns: 25 },
  ))
