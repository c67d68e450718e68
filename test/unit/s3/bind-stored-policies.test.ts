import { expect, it } from 'vitest'
import { bindStoredPolicies } from '../../../src/api/s3/access/bind-stored-policies.ts'
import { applyBootstrap } from '../../../src/iam/bootstrap.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import * as home from '../../iam/serve.ts'

const noObjects = {
  buckets: { all: () => [] },
  document: () => undefined,
  changeDocument: async () => undefined,
}

it('binds the trust policies of earlier releases, once, and leaves what cannot be read', async () => {
  const iam = await home.openTestIam(memoryStore(), () => 1000)
  await applyBootstrap(iam, home.BOOTSTRAP)
  const { users, roles, newId } = iam.aws
  const entity = { accountId: home.ACCOUNT, path: '/', createdAtMs: 0, policies: [], attached: [] }
  const ann = await users.create({ ...entity, id: newId('user'), name: 'ann', groups: [] })
  const arn = (name: string) => `arn:aws:iam::${home.ACCOUNT}:user/${name}`
  const Principal = { AWS: [arn('ann'), arn('nobody')] }
  const trust = JSON.stringify({ Statement: { Effect: 'Allow', Principal, Action: 'sts:AssumeRole' } })
  const role = { ...entity, maxSessionSeconds: 3600 }
  await roles.create({ ...role, id: newId('role'), name: 'old', trust })
  await roles.create({ ...role, id: newId('role'), name: 'broken', trust: '{' })
  const errors: unknown[] = []
  const bind = () => bindStoredPolicies({ objects: noObjects, iam, onError: (error) => errors.push(error) })
  await bind()
  const bound = { [arn('ann')]: ann.id, [arn('nobody')]: '' }
  expect(roles.get(home.ACCOUNT, 'old')).toMatchObject({ trust, trustIds: bound })
  expect(roles.get(home.ACCOUNT, 'broken')).not.toHaveProperty('trustIds')
  expect(errors).toHaveLength(1)
  await users.remove(home.ACCOUNT, 'ann')
  await users.create({ ...entity, id: newId('user'), name: 'ann', groups: [] })
  await bind()
  expect(roles.get(home.ACCOUNT, 'old').trustIds).toEqual(bound)
})
