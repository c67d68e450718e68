import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Action, IAM_ACTIONS, KMS_ACTIONS } from '../../../src/iam/actions.ts'
import { applyBootstrap } from '../../../src/iam/bootstrap.ts'
import type { Iam } from '../../../src/iam/iam.ts'
import type { Role, UserPrincipal } from '../../../src/iam/principal.ts'
import { wildcardMatch } from '../../../src/iam/wildcard.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import * as home from '../../iam/serve.ts'

let iam: Iam
beforeEach(async () => {
  iam = await home.openTestIam(memoryStore())
  await applyBootstrap(iam, home.BOOTSTRAP)
})

const user = (service: 'kms' | 'cloud-object-storage' | 'iam', role?: Role): UserPrincipal => ({
  type: 'user',
  iamId: 'IBMid-x',
  accountId: home.ACCOUNT,
  roles: role ? { [service]: role } : {},
  name: '',
  email: '',
})
const keys = { service: 'kms', accountId: home.ACCOUNT, instance: home.KEYS } as const
const objects = { service: 'cloud-object-storage', accountId: home.ACCOUNT, instance: home.OBJECTS } as const
const account = { service: 'iam', accountId: home.ACCOUNT } as const

describe('a user', () => {
  it.each<[Role, number]>([
    ['Reader', 10],
    ['ReaderPlus', 11],
    ['Writer', 21],
    ['Manager', 32],
    ['KeyPurge', 1],
  ])('with the role %s at Key Protect may do %i actions', (role, count) => {
    expect(KMS_ACTIONS.filter((action) => iam.decide(user('kms', role), action, keys).allowed)).toHaveLength(count)
  })

  it('never does what is for services only', () => {
    for (const action of ['kms.registrations.create', 'kms.registrations.delete', 'kms.secrets-event.ack'] as const) {
      expect(iam.decide(user('kms', 'Manager'), action, keys).allowed).toBe(false)
    }
  })

  it.each<[Action, readonly Role[]]>([
    ['s3:GetObject', ['Reader', 'Writer', 'Manager']],
    ['s3:ListBucket', ['Reader', 'Writer', 'Manager']],
    ['s3:PutObject', ['Writer', 'Manager']],
    ['s3:DeleteObject', ['Writer', 'Manager']],
    ['s3:CreateBucket', ['Writer', 'Manager']],
    ['s3:DeleteBucket', ['Writer', 'Manager']],
    ['s3:PutBucketPolicy', ['Manager']],
    ['s3:SomethingNew', ['Manager']],
  ])('may do %s as %j only', (action, roles) => {
    const allowed = (['Reader', 'Writer', 'Manager', 'Viewer', 'Administrator'] as const).filter(
      (role) => iam.decide(user('cloud-object-storage', role), action, objects).allowed,
    )
    expect(allowed).toEqual(roles)
  })

  it('changes policies as Administrator only', () => {
    const policyActions = IAM_ACTIONS.filter((action) => action.startsWith('iam.'))
    const may = (role: Role) => policyActions.filter((action) => iam.decide(user('iam', role), action, account).allowed)
    expect([may('Viewer'), may('Editor'), may('Administrator')]).toEqual([
      ['iam.policy.read', 'iam.role.read'],
      ['iam.policy.read', 'iam.role.read'],
      policyActions,
    ])
  })

  it('manages identities and credentials as Administrator only, what holds no rights as Editor too', () => {
    const others = IAM_ACTIONS.filter((action) => !action.startsWith('iam.'))
    const may = (role: Role) => others.filter((action) => iam.decide(user('iam', role), action, account).allowed)
    expect(may('Viewer').filter((action) => !/\.(get|retrieve)$/.test(action))).toEqual([])
    expect(may('Editor').filter((action) => !may('Viewer').includes(action))).toEqual([
      'iam-identity.serviceid.create',
      'iam-identity.serviceid.update',
      'resource-controller.instance.create',
      'resource-controller.instance.update',
    ])
    expect(may('Administrator')).toEqual(others)
  })

  it('obtains the token of an instance as Administrator of its account only, whatever it manages', () => {
    const may = (caller: UserPrincipal) =>
      [objects, keys].map((target) => iam.decide(caller, 'iam.service-token.create', target).allowed)
    expect(may(user('iam', 'Administrator'))).toEqual([true, true])
    expect(may({ ...user('iam', 'Administrator'), accountId: home.OTHER_ACCOUNT })).toEqual([false, false])
    const everythingElse = { 'cloud-object-storage': 'Manager', kms: 'Manager', iam: 'Editor' } as const
    expect(may({ ...user('iam'), roles: everythingElse })).toEqual([false, false])
  })

  it('has no rights without a role, with a role of another service, or in another account', () => {
    expect(iam.decide(user('kms'), 'kms.secrets.list', keys).allowed).toBe(false)
    expect(iam.decide(user('iam', 'Administrator'), 'kms.secrets.list', keys).allowed).toBe(false)
    expect(
      iam.decide(user('kms', 'Manager'), 'kms.secrets.list', { ...keys, accountId: home.OTHER_ACCOUNT }).allowed,
    ).toBe(false)
    expect(iam.decide(user('kms', 'Manager'), 's3:GetObject', keys).allowed).toBe(false)
    expect(iam.decide(user('kms', 'Manager'), 'kms.secrets.list', objects).allowed).toBe(false)
  })
})

describe('a service', () => {
  const draft = {
    accountId: home.ACCOUNT,
    source: { serviceName: 'cloud-object-storage', accountId: home.ACCOUNT, serviceInstance: home.OBJECTS },
    target: { serviceName: 'kms', serviceInstance: { value: home.KEYS, operator: 'stringEquals' } },
    roles: ['Reader'],
  } as const
  const may = (action: Action, crn = home.OBJECTS_CRN) =>
    iam.decide(iam.servicePrincipal(crn), action, { ...keys, resourceType: 'key', resource: 'k', keyRing: 'default' })
      .allowed

  it('has exactly the rights of its authorizations', async () => {
    expect(KMS_ACTIONS.filter((action) => may(action))).toEqual([])
    const { id } = await iam.authorizations.create(draft, 'me')
    expect(KMS_ACTIONS.filter((action) => may(action))).toEqual([
      'kms.secrets.list',
      'kms.secrets.head',
      'kms.secrets-metadata.read',
      'kms.secrets-key-versions.list',
      'kms.secrets.wrap',
      'kms.secrets.unwrap',
      'kms.secrets.rewrap',
      'kms.secrets-event.ack',
      'kms.key-rings.list',
      'kms.instance-allowed-ip-port.read',
      'kms.registrations.list',
      'kms.registrations.create',
      'kms.registrations.write',
      'kms.registrations.delete',
    ])
    expect(may('kms.secrets.wrap', home.OTHER_OBJECTS_CRN)).toBe(false)
    await iam.authorizations.delete(id, 'me')
    expect(may('kms.secrets.wrap')).toBe(false)
  })

  it.each([
    ['another resource', { resource: { value: 'other', operator: 'stringEquals' } }, false],
    ['a resource by pattern', { resource: { value: '?', operator: 'stringMatch' } }, true],
    ['a star that is not a pattern', { resource: { value: '*', operator: 'stringEquals' } }, false],
    ['the key ring', { keyRing: { value: 'default', operator: 'stringEquals' } }, true],
    ['another instance', { serviceInstance: { value: home.OTHER_KEYS, operator: 'stringEquals' } }, false],
    ['nothing but the service', { serviceInstance: undefined }, true],
  ] as const)('restricted to %s', async (_, restriction, expected) => {
    await iam.authorizations.create({ ...draft, target: { ...draft.target, ...restriction } }, 'me')
    expect(may('kms.secrets.wrap')).toBe(expected)
  })

  it('restricted to one key may not list the instance', async () => {
    await iam.authorizations.create(
      { ...draft, target: { ...draft.target, resource: { value: 'k', operator: 'stringEquals' } } },
      'me',
    )
    expect(iam.isAuthorized(home.OBJECTS_CRN, keys, 'kms.secrets.list')).toBe(false)
  })

  it('may come from another account when the account of the key says so', async () => {
    await iam.authorizations.create(
      { ...draft, source: { serviceName: 'cloud-object-storage', accountId: home.OTHER_ACCOUNT } },
      'me',
    )
    expect(may('kms.secrets.wrap', home.OTHER_OBJECTS_CRN)).toBe(true)
    expect(may('kms.secrets.wrap')).toBe(false)
  })

  it('reads no other account’s buckets and no policies whatever it is', async () => {
    await iam.authorizations.create({ ...draft, roles: ['Manager'] }, 'me')
    expect(iam.decide(iam.servicePrincipal(home.OBJECTS_CRN), 's3:GetObject', objects).allowed).toBe(false)
    expect(iam.decide(iam.servicePrincipal(home.OBJECTS_CRN), 'iam.policy.create', account).allowed).toBe(false)
  })
})

describe('the system’s own instance', () => {
  const guid = '55555555-5555-4555-8555-555555555555'
  it('is open to the declared service, invisible, and closed to users', () => {
    const instance = iam.declareSystemInstance({ service: 'kms', guid, name: 'system', region: 'us-south' })
    const target = { service: 'kms', accountId: instance.accountId, instance: guid } as const
    expect(iam.isAuthorized(home.OBJECTS_CRN, target, 'kms.secrets.wrap')).toBe(false)
    iam.declareSystemAuthorization({
      source: { service: 'cloud-object-storage' },
      target: { service: 'kms', instance: guid },
      roles: ['Reader'],
    })
    expect(iam.isAuthorized(home.OBJECTS_CRN, target, 'kms.secrets.wrap')).toBe(true)
    expect(iam.isAuthorized(home.OBJECTS_CRN, target, 'kms.secrets.delete')).toBe(false)
    expect(iam.instances().map((one) => one.guid)).not.toContain(guid)
    expect(iam.instance(instance.crn)).toEqual(instance)
    expect([...iam.policies.list(instance.accountId)]).toEqual([])
    const intruder = { ...user('kms', 'Manager'), accountId: instance.accountId }
    expect(iam.decide(intruder, 'kms.secrets.list', target).allowed).toBe(false)
  })

  it('cannot be declared as an account, nor taken over', async () => {
    await expect(iam.identities.putAccount({ id: '0'.repeat(32), name: 'x' })).rejects.toMatchObject({
      code: 'IdentityInvalid',
    })
    iam.declareSystemInstance({ service: 'kms', guid, name: 'system', region: 'us-south' })
    const taken = { guid, service: 'kms', region: 'us-south', accountId: home.ACCOUNT, name: 'mine' } as const
    await expect(iam.identities.putInstance(taken)).rejects.toMatchObject({ code: 'IdentityConflict' })
  })
})

describe('wildcards', () => {
  it('agree with the same pattern as a regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 })
    fc.assert(
      fc.property(text, text, (pattern, value) => {
        const source = pattern.replace(/[.]/g, '\\.').replaceAll('*', '[^]*').replaceAll('?', '[^]')
        expect(wildcardMatch(pattern, value)).toBe(new RegExp(`^${source}$`).test(value))
      }),
    )
  })

  it('of the worst kind come to an end', () => {
    expect(wildcardMatch(`${'*a'.repeat(200)}b`, 'a'.repeat(500))).toBe(false)
  })
})
