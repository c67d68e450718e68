import { parseArgs } from 'node:util'
import type { Action } from '../src/iam/actions.ts'
import { applyBootstrap } from '../src/iam/bootstrap.ts'
import { equal, type PolicyAttribute } from '../src/iam/policy.ts'
import type { Principal } from '../src/iam/principal.ts'
import type { Target } from '../src/iam/target.ts'
import { memoryStore } from '../src/storage/metadata/memory-store.ts'
import { ACCOUNT, BOOTSTRAP, KEYS, OBJECTS, OBJECTS_CRN, openTestIam } from '../test/iam/serve.ts'

/** What a decision costs among many policies: CPU time of one, median of several runs. */
const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '5' } } })
const runs = Number(options.runs)
const CALLS = 20_000

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

function cpuMicros(act: (n: number) => void): string {
  const calls = CALLS
  for (let n = 0; n < calls; n++) act(n)
  const figures = Array.from({ length: runs }, () => {
    const before = process.cpuUsage()
    for (let n = 0; n < calls; n++) act(n)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / calls
  })
  return `${median(figures).toFixed(2)} µs`
}

const READER = 'crn:v1:bluemix:public:iam::::serviceRole:Reader'
const cos = [equal('accountId', ACCOUNT), equal('serviceName', 'cloud-object-storage')]
const PERSON = { accountId: ACCOUNT, name: '', email: '' }
const user = (iamId: string): Principal => ({ ...PERSON, type: 'user', iamId, roles: {} })
const reader: Principal = { ...PERSON, type: 'user', iamId: 'IBMid-x', roles: { kms: 'Reader' } }
const bucket = (resource: string): Target => ({
  ...{ service: 'cloud-object-storage', accountId: ACCOUNT, instance: OBJECTS, resourceType: 'bucket', resource },
})

for (const total of [10, 1000, 10_000]) {
  const iam = await openTestIam(memoryStore())
  await applyBootstrap(iam, BOOTSTRAP)
  const grant = (iamId: string, resource: readonly PolicyAttribute[]) =>
    iam.policies.create(
      {
        ...{ type: 'access', accountId: ACCOUNT, subject: [equal('iam_id', iamId)], roles: [READER] },
        resource: [...cos, ...resource],
      },
      'bench',
    )
  const startedAt = performance.now()
  for (let n = 0; n < total; n++) {
    // A third each: one user with a policy per bucket, users with one policy, services with one.
    if (n % 3 === 0) await grant('IBMid-many', [equal('resource', `bucket-${n}`)])
    else if (n % 3 === 1) await grant(`IBMid-${n}`, [equal('serviceInstance', OBJECTS)])
    else {
      await iam.authorizations.create(
        {
          accountId: ACCOUNT,
          source: { serviceName: 'cloud-object-storage', accountId: ACCOUNT, serviceInstance: `instance-${n}` },
          target: { serviceName: 'kms', serviceInstance: { value: KEYS, operator: 'stringEquals' } },
          roles: ['Reader'],
        },
        'bench',
      )
    }
  }
  const patterns = Math.min(total, 1000)
  for (let n = 0; n < patterns; n++) {
    await grant('IBMid-patterns', [{ key: 'resource', operator: 'stringMatch', value: `logs-${n}-*` }])
  }
  await iam.authorizations.create(
    {
      accountId: ACCOUNT,
      source: { serviceName: 'cloud-object-storage', accountId: ACCOUNT, serviceInstance: OBJECTS },
      target: { serviceName: 'kms', serviceInstance: { value: KEYS, operator: 'stringEquals' } },
      roles: ['Reader'],
    },
    'bench',
  )
  const made = total + patterns + 1
  const perPolicy = ((performance.now() - startedAt) / made).toFixed(2)
  const ask = (who: Principal, action: Action, target: Target) => () => void iam.decide(who, action, target)
  const key: Target = { service: 'kms', accountId: ACCOUNT, instance: KEYS, resourceType: 'key', resource: 'k' }
  const rows: readonly (readonly [string, (n: number) => void])[] = [
    ['a role, no policy', ask(reader, 'kms.secrets.wrap', key)],
    ['one policy of many users', ask(user('IBMid-1'), 's3:GetObject', bucket('photos'))],
    ['one of a user’s many, by bucket', ask(user('IBMid-many'), 's3:GetObject', bucket('bucket-3'))],
    ['denied: a user’s many', ask(user('IBMid-many'), 's3:GetObject', bucket('unknown'))],
    ['denied: nobody', ask(user('IBMid-nobody'), 's3:GetObject', bucket('photos'))],
    [`denied: ${patterns} patterns of a user`, ask(user('IBMid-patterns'), 's3:GetObject', bucket('logs-x-1'))],
    ['an authorization', () => void iam.isAuthorized(OBJECTS_CRN, key, 'kms.secrets.unwrap')],
  ]
  console.log(`${made} policies (made in ${perPolicy} ms each, in memory)`)
  for (const [name, act] of rows) console.log(`  ${name}: ${cpuMicros(act)}`)
}
