import { beforeEach, describe, expect, it } from 'vitest'
import { SMALL_KIND, sealSmall } from '../../../src/envelope/small-envelope.ts'
import { policyArn } from '../../../src/iam/aws/customer-policy.ts'
import type { AwsUser } from '../../../src/iam/aws/entity.ts'
import { applyBootstrap } from '../../../src/iam/bootstrap.ts'
import type { Iam } from '../../../src/iam/iam.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import * as home from '../../iam/serve.ts'

let iam: Iam
beforeEach(async () => {
  iam = await home.openTestIam(memoryStore(), () => 1000)
  await applyBootstrap(iam, home.BOOTSTRAP)
})

const row = (name: string, path = '/'): AwsUser => ({
  ...{ accountId: home.ACCOUNT, id: iam.aws.newId('user'), name, path },
  ...{ createdAtMs: 0, policies: [], attached: [], groups: [] },
})
const person = (iamId: string) => ({ accountId: home.ACCOUNT, iamId, name: 'P', email: '', roles: {} })

describe('a user of the kind of AWS', () => {
  it('cannot be called, or become called, like a person of the account', async () => {
    await iam.identities.putUser(person('Ann'))
    await iam.identities.putUser(person('team/Bob'))
    const { users } = iam.aws
    for (const taken of [row('ann'), row('ANN', '/x/'), row('bob', '/team/')]) {
      await expect(users.create(taken)).rejects.toMatchObject({ code: 'EntityAlreadyExists' })
      const free = await users.create(row(`free-${taken.name}${taken.path.length}`))
      const { name, path } = taken
      const renaming = users.change(home.ACCOUNT, free.name, (user) => ({ ...user, name, path }))
      await expect(renaming).rejects.toMatchObject({ code: 'EntityAlreadyExists' })
    }
    await users.create(row('bob'))
    const moving = users.change(home.ACCOUNT, 'bob', (user) => ({ ...user, path: '/team/' }))
    await expect(moving).rejects.toMatchObject({ code: 'EntityAlreadyExists' })
  })

  it('keeps its name from persons who are declared later', async () => {
    await iam.aws.users.create(row('carl', '/team/'))
    for (const iamId of ['carl', 'Carl', 'team/carl']) {
      await expect(iam.identities.putUser(person(iamId))).rejects.toMatchObject({ code: 'IdentityConflict' })
    }
    await iam.identities.putUser(person('carla'))
  })
})

it('keeps the tags of users, roles and policies', async () => {
  const store = memoryStore()
  const tags = [{ key: 'Team', value: 'red' }]
  iam = await home.openTestIam(store)
  await applyBootstrap(iam, home.BOOTSTRAP)
  const { groups: _, ...entity } = row('r')
  await iam.aws.users.create({ ...row('u'), tags })
  await iam.aws.roles.create({ ...entity, id: iam.aws.newId('role'), trust: '', maxSessionSeconds: 3600, tags })
  const draft = { accountId: home.ACCOUNT, name: 'p', path: '/', document: '{}', tags }
  const arn = policyArn(await iam.aws.customerPolicies.create(draft))
  const { aws } = await home.openTestIam(store)
  expect([aws.users.get(home.ACCOUNT, 'u').tags, aws.roles.get(home.ACCOUNT, 'r').tags]).toEqual([tags, tags])
  expect(aws.customerPolicies.get(home.ACCOUNT, arn).tags).toEqual(tags)
})

it('ends temporary credentials when the secret that they were got with is replaced', async () => {
  const owner = { accountId: home.ACCOUNT, iamId: 'dora' }
  await iam.identities.putUser(person('dora'))
  const accessKeyId = 'DORA'
  await iam.identities.putCredential(owner, { accessKeyId, secretAccessKey: 'one' })
  const by = iam.findCredential(accessKeyId)
  if (!by) throw new Error('no credential')
  const first = iam.aws.sessions.ofUser(by, 900)
  const find = (one: typeof first) => iam.findCredential(one.accessKeyId, one.sessionToken)
  const temporary = find(first)
  if (!temporary) throw new Error('no session')
  expect(temporary.principal.temporarySinceMs).toBe(1000)
  const { groups: _, ...entity } = row('r')
  const role = await iam.aws.roles.create({ ...entity, id: iam.aws.newId('role'), trust: '', maxSessionSeconds: 3600 })
  const session = { name: 'night', policies: [], managed: [] }
  const chained = iam.aws.sessions.ofRole(temporary, role, session, 900)
  expect(find(chained)?.principal.iamId).toBe(`${role.id}:night`)
  await iam.identities.putCredential(owner, { accessKeyId, secretAccessKey: 'two' })
  expect([find(first), find(chained)]).toEqual([undefined, undefined])
  await iam.identities.putCredential(owner, { accessKeyId, secretAccessKey: 'one' })
  expect(find(first)?.accessKeyId).toBe(first.accessKeyId)
})

it('counts temporary credentials of earlier releases as made at 0', async () => {
  await iam.identities.putUser(person('dora'))
  await iam.identities.putCredential(person('dora'), { accessKeyId: 'DORA', secretAccessKey: 'one' })
  const accessKeyId = 'ASIAEARLIER'
  const content = {
    ...{ secretAccessKey: 's', expiresAtMs: 2000, via: 'DORA' },
    ...{ iamId: 'dora', accountId: home.ACCOUNT, parents: [] },
  }
  const sealing = { kind: SMALL_KIND.iamSecret, key: Buffer.alloc(32, 2), context: ['iam', 'session', accessKeyId] }
  const keyRef = Buffer.from('coffer-session-1', 'latin1')
  const token = sealSmall({ ...sealing, keyRef }, Buffer.from(JSON.stringify(content))).toString('base64url')
  expect(iam.findCredential(accessKeyId, token)?.principal.temporarySinceMs).toBe(0)
})
