import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Action } from '../../../src/iam/actions.ts'
import { applyBootstrap } from '../../../src/iam/bootstrap.ts'
import type { Iam } from '../../../src/iam/iam.ts'
import { IAM_SPACE } from '../../../src/iam/keyspace.ts'
import { equal, type PolicyAttribute, type PolicyDraft } from '../../../src/iam/policy.ts'
import type { UserPrincipal } from '../../../src/iam/principal.ts'
import type { Target } from '../../../src/iam/target.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import * as home from '../../iam/serve.ts'

let store: MetadataStore
let nowMs: number
let iam: Iam
beforeEach(async () => {
  store = memoryStore()
  nowMs = Date.parse('2026-11-23T12:00:00Z')
  iam = await home.openTestIam(store, () => nowMs)
  await applyBootstrap(iam, home.BOOTSTRAP)
  await home.putSomebody(iam, 'IBMid-x', 'IBMid-y', SERVICE_ID)
})

const SERVICE_ID = 'iam-ServiceId-00000000-0000-4000-8000-000000000000'

const SERVICE_ROLE = 'crn:v1:bluemix:public:iam::::serviceRole:'
const PLATFORM_ROLE = 'crn:v1:bluemix:public:iam::::role:'

const somebody = (iamId = 'IBMid-x', roles: UserPrincipal['roles'] = {}): UserPrincipal => ({
  type: iamId.startsWith('iam-ServiceId-') ? 'service-id' : 'user',
  ...{ iamId, accountId: home.ACCOUNT, roles, name: '', email: '' },
})
const keys: Target = { service: 'kms', accountId: home.ACCOUNT, instance: home.KEYS }
const key: Target = { ...keys, resourceType: 'key', resource: 'k', keyRing: 'ring' }
const objects: Target = { service: 'cloud-object-storage', accountId: home.ACCOUNT, instance: home.OBJECTS }
const bucket: Target = { ...objects, resourceType: 'bucket', resource: 'photos' }
const account: Target = { service: 'iam', accountId: home.ACCOUNT }

const grant = (
  resource: readonly PolicyAttribute[],
  roles: readonly string[] = [`${SERVICE_ROLE}Writer`],
  rest: Partial<PolicyDraft> = {},
): PolicyDraft => ({
  type: 'access',
  accountId: home.ACCOUNT,
  subject: [equal('iam_id', 'IBMid-x')],
  resource: [equal('accountId', home.ACCOUNT), ...resource],
  roles,
  ...rest,
})
const kms = equal('serviceName', 'kms')
const cos = equal('serviceName', 'cloud-object-storage')
const may = (action: Action, target: Target, who = somebody()) => iam.decide(who, action, target).allowed

describe('an access policy', () => {
  it.each<[string, readonly PolicyAttribute[], readonly boolean[]]>([
    ['a service', [kms], [true, true, true, false]],
    ['every service of a kind', [equal('serviceType', 'service')], [true, true, true, true]],
    ['the account', [equal('serviceType', 'platform_service')], [false, false, false, false]],
    ['its instance', [kms, equal('serviceInstance', home.KEYS)], [true, true, true, false]],
    ['its instance in capitals', [kms, equal('serviceInstance', home.KEYS.toUpperCase())], [true, true, true, false]],
    ['another instance', [kms, equal('serviceInstance', home.OTHER_KEYS)], [false, false, false, false]],
    ['its region', [kms, equal('region', 'us-south')], [true, true, true, false]],
    ['another region', [kms, equal('region', 'eu-de')], [false, false, false, false]],
    [
      'the resource group of all that is in no other',
      [equal('resourceGroupId', home.ACCOUNT)],
      [true, true, true, true],
    ],
    ['another resource group', [kms, equal('resourceGroupId', 'other')], [false, false, false, false]],
    ['keys', [kms, equal('resourceType', 'key')], [false, true, true, false]],
    ['one key', [kms, equal('resourceType', 'key'), equal('resource', 'k')], [false, true, false, false]],
    ['keys by name', [kms, { key: 'resource', operator: 'stringMatch', value: 'o*' }], [false, false, true, false]],
    [
      'keys of a list',
      [kms, { key: 'resource', operator: 'stringEqualsAnyOf', value: ['x', 'k'] }],
      [false, true, false, false],
    ],
    ['a key ring', [kms, equal('keyRing', 'ring')], [false, true, false, false]],
    [
      'what is no resource',
      [kms, { key: 'resource', operator: 'stringExists', value: false }],
      [true, false, false, false],
    ],
    ['the other service', [cos], [false, false, false, true]],
    ['one bucket', [cos, equal('resource', 'photos')], [false, false, false, true]],
  ])('for %s', async (_, resource, expected) => {
    const other = { ...key, resource: 'other', keyRing: 'default' }
    const all = () => [
      may('kms.secrets.list', keys),
      may('kms.secrets.wrap', key),
      may('kms.secrets.wrap', other),
      may('s3:PutObject', bucket),
    ]
    expect(all()).toEqual([false, false, false, false])
    const role = resource.some(({ value }) => value === 'platform_service')
      ? `${PLATFORM_ROLE}Viewer`
      : `${SERVICE_ROLE}Writer`
    const { id } = await iam.policies.create(grant(resource, [role]), 'me')
    expect(all()).toEqual(expected)
    await iam.policies.delete(id, 'me')
    expect(all()).toEqual([false, false, false, false])
  })

  it('is for its subject in its account, and for nobody else', async () => {
    await iam.policies.create(grant([kms]), 'me')
    expect(may('kms.secrets.list', keys)).toBe(true)
    expect(may('kms.secrets.list', keys, somebody('IBMid-y'))).toBe(false)
    const abroad = { ...somebody(), accountId: home.OTHER_ACCOUNT }
    expect(may('kms.secrets.list', { ...keys, accountId: home.OTHER_ACCOUNT, instance: home.OTHER_KEYS }, abroad)).toBe(
      false,
    )
    expect(may('kms.secrets.list', keys, abroad)).toBe(false)
  })

  it('adds to the role that was declared, and to other policies', async () => {
    const reader = somebody('IBMid-x', { kms: 'Reader' })
    expect([may('kms.secrets.list', keys, reader), may('kms.secrets.create', keys, reader)]).toEqual([true, false])
    await iam.policies.create(grant([kms], [`${SERVICE_ROLE}Writer`]), 'me')
    expect([may('kms.secrets.list', keys, reader), may('kms.secrets.create', keys, reader)]).toEqual([true, true])
    expect(may('kms.secrets.purge', key, reader)).toBe(false)
    await iam.policies.create(grant([kms], ['crn:v1:bluemix:public:kms::::serviceRole:KeyPurge']), 'me')
    expect(may('kms.secrets.purge', key, reader)).toBe(true)
    expect(may('kms.registrations.create', key, reader)).toBe(false)
  })

  it('decides by all of its roles, and the decision names the one', async () => {
    const roles = ['ObjectReader', 'ObjectWriter'].map(
      (name) => `crn:v1:bluemix:public:cloud-object-storage::::serviceRole:${name}`,
    )
    const { id } = await iam.policies.create(grant([cos, equal('resource', 'photos')], roles), 'me')
    expect(iam.decide(somebody(), 's3:GetObject', bucket).reason).toBe(`policy ${id}, role ObjectReader`)
    expect(iam.decide(somebody(), 's3:PutObject', bucket).reason).toBe(`policy ${id}, role ObjectWriter`)
    expect(may('s3:ListBucket', bucket)).toBe(false)
    expect(may('s3:DeleteObject', bucket)).toBe(false)
  })

  it('counts only when its time is', async () => {
    const rule = {
      key: '{{environment.attributes.current_date_time}}',
      operator: 'dateTimeLessThan',
      value: '2026-11-23T13:00:00Z',
    }
    await iam.policies.create(grant([kms], undefined, { pattern: 'time-based-conditions:once', rule }), 'me')
    expect(may('kms.secrets.list', keys)).toBe(true)
    nowMs += 3_600_000
    expect(may('kms.secrets.list', keys)).toBe(false)
  })

  it('gives a service ID what it gives a user', async () => {
    const serviceId = SERVICE_ID
    await iam.policies.create(grant([kms], undefined, { subject: [equal('iam_id', serviceId)] }), 'me')
    expect(may('kms.secrets.list', keys, somebody(serviceId))).toBe(true)
    expect(may('kms.secrets.list', keys, somebody('iam-ServiceId-1'))).toBe(false)
  })

  it('with a platform role on the account lets its subject manage the account and no data', async () => {
    const iamService = equal('serviceName', 'iam')
    expect(may('iam.policy.create', account)).toBe(false)
    await iam.policies.create(grant([iamService], [`${PLATFORM_ROLE}Administrator`]), 'me')
    expect(may('iam.policy.create', account)).toBe(true)
    expect(may('iam.service-token.create', objects)).toBe(true)
    expect(may('kms.secrets.list', keys)).toBe(false)
  })

  it('with Administrator on a service alone opens neither the account nor its service tokens', async () => {
    await iam.policies.create(
      grant([equal('serviceType', 'service')], [`${PLATFORM_ROLE}Administrator`, `${SERVICE_ROLE}Manager`]),
      'me',
    )
    expect(may('iam.policy.create', account)).toBe(false)
    expect(may('iam.service-token.create', objects)).toBe(false)
    expect(may('kms.secrets.delete', key)).toBe(true)
  })

  it('goes with its subject: a later one of that name starts with nothing', async () => {
    const id = { accountId: home.ACCOUNT, iamId: 'IBMid-x' }
    const user = { ...id, name: 'X', email: '', roles: {} }
    await iam.identities.putUser(user)
    await iam.policies.create(grant([kms]), 'me')
    await iam.identities.deleteUser(id)
    await iam.identities.putUser(user)
    expect(may('kms.secrets.list', keys)).toBe(false)
    expect([...iam.policies.list(home.ACCOUNT)]).toEqual([])
  })

  it('can be restored for 30 days; then the next deletion forgets it', async () => {
    const day = 86_400_000
    const first = await iam.policies.create(grant([kms]), 'me')
    const second = await iam.policies.create(grant([cos]), 'me')
    await iam.policies.delete(first.id, 'me')
    nowMs += 29 * day
    await iam.policies.delete(second.id, 'me')
    expect(iam.policies.get(first.id)?.state).toBe('deleted')
    await iam.policies.setState(second.id, 'active', 'me')
    nowMs += 2 * day
    await iam.policies.delete(second.id, 'me')
    expect([iam.policies.get(first.id), iam.policies.get(second.id)?.state]).toEqual([undefined, 'deleted'])
  })

  it('is there after a restart, and so is what was deleted of it', async () => {
    const kept = await iam.policies.create(grant([kms]), 'me')
    const gone = await iam.policies.create(grant([cos]), 'me')
    await iam.policies.delete(gone.id, 'me')
    iam = await home.openTestIam(store)
    expect([may('kms.secrets.list', keys), may('s3:GetObject', bucket)]).toEqual([true, false])
    expect(iam.policies.get(kept.id)).toEqual(kept)
    await expect(iam.policies.create(grant([kms]), 'me')).rejects.toMatchObject({ code: 'PolicyConflict' })
    await iam.policies.setState(gone.id, 'active', 'me')
    expect(may('s3:GetObject', bucket)).toBe(true)
  })
})

describe('an authorization that the first release wrote', () => {
  const former = {
    accountId: home.ACCOUNT,
    source: { serviceName: 'cloud-object-storage', accountId: home.ACCOUNT, serviceInstance: home.OBJECTS },
    target: {
      serviceName: 'kms',
      serviceInstance: { value: home.KEYS, operator: 'stringEquals' },
      resource: { value: 'k*', operator: 'stringMatch' },
    },
    roles: ['Reader', 'ReaderPlus'],
    description: 'from before',
    id: '77777777-7777-4777-8777-777777777777',
    state: 'active',
    revision: 3,
    createdAtMs: 1,
    createdBy: 'bootstrap',
    modifiedAtMs: 2,
    modifiedBy: 'IBMid-main',
  }

  it('is a policy like any other', async () => {
    const value = Buffer.from(JSON.stringify({ version: 1, row: former }))
    await store.commit([{ type: 'put', space: IAM_SPACE.policy, key: Buffer.from(former.id), value }])
    iam = await home.openTestIam(store)
    const authorized = (resource: string) =>
      iam.isAuthorized(home.OBJECTS_CRN, { ...keys, resourceType: 'key', resource }, 'kms.secrets.wrap')
    expect([authorized('k1'), authorized('other')]).toEqual([true, false])
    expect(iam.policies.get(former.id)).toMatchObject({
      type: 'authorization',
      description: 'from before',
      revision: 3,
      roles: [`${SERVICE_ROLE}Reader`, 'crn:v1:bluemix:public:kms::::serviceRole:ReaderPlus'],
    })
    await iam.policies.setState(former.id, 'deleted', 'me')
    iam = await home.openTestIam(store)
    expect([authorized('k1'), iam.policies.get(former.id)?.state]).toEqual([false, 'deleted'])
  })
})

describe('any history of policies', () => {
  const word = fc.constantFrom('a', 'b', 'c')
  const optional = (name: string) =>
    fc.option(
      fc.oneof(
        word.map((value): PolicyAttribute => equal(name, value)),
        fc
          .constantFrom('', 'a', 'b', 'bb')
          .map((value): PolicyAttribute => ({ key: name, operator: 'stringMatch', value: `${value}*` })),
        fc.boolean().map((value): PolicyAttribute => ({ key: name, operator: 'stringExists', value })),
      ),
      { nil: undefined },
    )
  const draft = fc
    .record({
      subject: fc.constantFrom('IBMid-x', 'IBMid-y'),
      instance: fc.option(fc.constantFrom(home.KEYS, home.OTHER_KEYS), { nil: undefined }),
      resource: optional('resource'),
      keyRing: optional('keyRing'),
      role: fc.constantFrom('Reader', 'Manager'),
    })
    .map(({ subject, instance, resource, keyRing, role }) =>
      grant(
        [
          kms,
          ...(instance ? [equal('serviceInstance', instance)] : []),
          ...[resource, keyRing].flatMap((one) => one ?? []),
        ],
        [`${SERVICE_ROLE}${role}`],
        { subject: [equal('iam_id', subject)] },
      ),
    )
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ type: fc.constant('create' as const), draft, at: fc.nat(9) }) },
    fc.record({
      type: fc.constantFrom('delete' as const, 'restore' as const, 'replace' as const),
      draft,
      at: fc.nat(9),
    }),
  )

  /** The same question, asked of a plain list. */
  const holds = (attribute: PolicyAttribute, value: string | undefined): boolean => {
    if (attribute.operator === 'stringExists') return (value !== undefined) === attribute.value
    if (attribute.operator === 'stringMatch') return value?.startsWith(attribute.value.slice(0, -1)) === true
    return value === attribute.value
  }
  const wanted = (
    policies: Iterable<PolicyDraft & { state: string }>,
    iamId: string,
    target: Target,
    manager: boolean,
  ) => {
    const facts: Readonly<Record<string, string | undefined>> = {
      accountId: target.accountId,
      serviceName: target.service,
      serviceInstance: target.instance,
      resource: target.resource,
      keyRing: target.keyRing,
    }
    return [...policies].some(
      ({ state, subject, resource, roles }) =>
        state === 'active' &&
        subject[0]?.value === iamId &&
        resource.every((one) => holds(one, facts[one.key])) &&
        (!manager || roles[0] === `${SERVICE_ROLE}Manager`),
    )
  }

  it('is decided as if every policy were looked at', async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        // Every run has people of its own, so that all can share one store.
        const ids: string[] = []
        const run = runs++
        const own = (name: string) => `${name}-${run}`
        await home.putSomebody(iam, own('IBMid-x'), own('IBMid-y'))
        let opened = iam
        for (const { type, draft: drawn, at } of steps) {
          const next = { ...drawn, subject: [equal('iam_id', own(String(drawn.subject[0]?.value)))] }
          const id = ids[at % Math.max(1, ids.length)] ?? ''
          const attempt =
            type === 'create'
              ? opened.policies.create(next, 'me').then((made) => void ids.push(made.id))
              : type === 'delete'
                ? opened.policies.delete(id, 'me')
                : type === 'restore'
                  ? opened.policies.setState(id, 'active', 'me')
                  : opened.policies.replace(id, next, 'me')
          await Promise.resolve(attempt).catch((error: unknown) => {
            if (!['PolicyConflict', 'PolicyNotFound'].includes(String(Reflect.get(Object(error), 'code')))) throw error
          })
        }
        for (let round = 0; round < 2; round++) {
          const all = [...opened.policies.list(home.ACCOUNT)]
          for (const iamId of [own('IBMid-x'), own('IBMid-y')]) {
            for (const target of [keys, { ...keys, resource: 'a' }, { ...keys, resource: 'bb', keyRing: 'c' }]) {
              const decide = (action: Action) => opened.decide(somebody(iamId), action, target).allowed
              expect(decide('kms.secrets.wrap')).toBe(wanted(all, iamId, target, false))
              expect(decide('kms.secrets.delete')).toBe(wanted(all, iamId, target, true))
            }
          }
          opened = await home.openTestIam(store)
        }
      }),
      { numRuns: 60 },
    )
  })
})
