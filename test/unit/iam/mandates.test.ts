import { beforeEach, describe, expect, it } from 'vitest'
import { applyBootstrap } from '../../../src/iam/bootstrap.ts'
import type { Credential } from '../../../src/iam/credentials.ts'
import type { Iam } from '../../../src/iam/iam.ts'
import type { Principal } from '../../../src/iam/principal.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import * as home from '../../iam/serve.ts'

let iam: Iam
beforeEach(async () => {
  iam = await home.openTestIam(memoryStore(), () => 1000)
  await applyBootstrap(iam, home.BOOTSTRAP)
})

const owner = { accountId: home.ACCOUNT, iamId: 'dora' }
const roles = (role?: 'Writer') => (role ? { 'cloud-object-storage': role } : {})
async function person(role?: 'Writer'): Promise<Principal> {
  await iam.identities.putUser({ ...owner, name: 'P', email: '', roles: roles(role) })
  await iam.identities.putCredential(owner, { accessKeyId: 'DORA', secretAccessKey: 'one' })
  return found('DORA').principal
}
async function credentialOf({ iamId }: typeof owner): Promise<Credential> {
  await person('Writer')
  return found(iamId.toUpperCase())
}
async function awsUser(): Promise<Credential> {
  const { id: iamId } = await iam.aws.users.create({ ...row('user', 'anna'), groups: [] })
  const { accessKeyId } = await iam.aws.accessKeys.create({ accountId: home.ACCOUNT, iamId })
  return found(accessKeyId)
}
const row = (kind: 'user' | 'role', name: string) => ({
  ...{ accountId: home.ACCOUNT, id: iam.aws.newId(kind), name, path: '/' },
  ...{ createdAtMs: 0, policies: [], attached: [], tags: [{ key: 'Team', value: kind }] },
})
function found(accessKeyId: string): Credential {
  const credential = iam.findCredential(accessKeyId)
  if (!credential) throw new Error('no credential')
  return credential
}
function mandateOf(principal: Principal): string {
  const mandate = iam.mandates.of(principal)
  if (mandate === undefined) throw new Error('no mandate')
  return mandate
}

describe('What somebody has ordered', () => {
  it('is done with the rights that he has by then', async () => {
    const mandate = mandateOf(await person('Writer'))
    expect(iam.mandates.principal(mandate)?.type).toBe('user')
    expect(iam.mandates.principal(mandate)).toMatchObject({ ...owner, roles: roles('Writer') })
    await person()
    expect(iam.mandates.principal(mandate)).toMatchObject({ ...owner, roles: {} })
  })

  it('is nobody’s once he is gone, and not that of a later one of his name', async () => {
    const principal = await person('Writer')
    const mandate = mandateOf(principal)
    await iam.identities.deleteUser(owner)
    expect(iam.mandates.principal(mandate)).toBeUndefined()
    expect(iam.mandates.of(principal)).toBeUndefined()
    await person('Writer')
    expect(iam.mandates.principal(mandate)).toBeUndefined()
  })

  it('is a service’s while its instance is there', () => {
    const [instance] = iam.instances({ service: 'cloud-object-storage', accountId: home.ACCOUNT })
    const principal = iam.servicePrincipal(instance?.crn ?? '')
    const mandate = mandateOf(principal)
    expect(iam.mandates.principal(mandate)).toEqual(principal)
    expect(iam.mandates.principal(mandate.replace(/[0-9a-f]{8}-/, '00000000-'))).toBeUndefined()
  })

  it('is done as whoever ordered it would be known by conditions, by his session too', async () => {
    const dora = await credentialOf(owner)
    const anna = await awsUser()
    const role = await iam.aws.roles.create({ ...row('role', 'copier'), trust: '', maxSessionSeconds: 3600 })
    const session = {
      ...{ name: 'night', policies: ['{}'], managed: ['arn:aws:iam::aws:policy/AmazonS3FullAccess'] },
      tags: [{ key: 'team', value: 'red', transitive: true }],
    }
    const draft = { accountId: home.ACCOUNT, url: 'https://idp.test', clientIds: ['c'], thumbprints: [] }
    const provider = await iam.aws.oidcProviders.create(draft)
    const facts = { 'idp.test:sub': ['zoe'], 'idp.test:aud': ['c'] }
    const web = { provider, subject: 'zoe', audience: 'c', facts, tags: session.tags }
    const { sessions } = iam.aws
    const temporary = [
      ...[sessions.ofUser(dora, 900), sessions.ofUser(anna, 900), sessions.ofRole(anna, role, session, 900)],
      sessions.ofWebIdentity(web, role, session, 900),
    ].map(({ accessKeyId, sessionToken }) => iam.findCredential(accessKeyId, sessionToken))
    for (const one of [dora, anna, ...temporary]) {
      if (!one) throw new Error('no credential')
      expect(iam.mandates.principal(mandateOf(one.principal))).toEqual(one.principal)
    }
    expect(temporary.map((one) => one?.principal.temporarySinceMs)).toEqual([1000, 1000, 1000, 1000])
    const mandate = mandateOf(temporary[2]?.principal ?? anna.principal)
    const tags = [{ key: 'place', value: 'here' }]
    await iam.aws.roles.change(home.ACCOUNT, 'copier', (now) => ({ ...now, tags: [...(now.tags ?? []), ...tags] }))
    expect(iam.mandates.principal(mandate)).toMatchObject({
      aws: { tags: [...session.tags, { key: 'place', value: 'here', transitive: false }] },
    })
  })

  it('is that of a session as old as can be where an earlier release did not say how old', async () => {
    const dora = await credentialOf(owner)
    const anna = await awsUser()
    for (const { principal } of [dora, anna]) {
      const { sinceMs, ...earlier } = JSON.parse(mandateOf(principal))
      expect(sinceMs).toBeNull()
      expect(iam.mandates.principal(JSON.stringify(earlier))).toEqual({ ...principal, temporarySinceMs: 0 })
    }
  })

  it('is not done where it says what nobody here understands', () => {
    const more = { type: 'user', ...owner, uid: 'x', onlyOnSundays: true }
    for (const text of ['{}', '"user"', JSON.stringify(more)]) {
      expect(iam.mandates.principal(text)).toBeUndefined()
    }
  })
})
