import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bootstrapOf, mainAccount } from '../support/bootstrap.ts'
import { sendConfig } from '../support/bucket-config.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type IbmClient, ibmCall, platformClient } from '../support/ibm-clients.ts'

/** Declared with the user; the others are given by access policies. */
const DECLARED = ['Manager', 'Writer', 'Reader']
const BY_POLICY = ['ContentReader', 'ObjectReader', 'ObjectWriter']
const ROLES = [...DECLARED, ...BY_POLICY, 'null']

let directory: string
let test: TestHouse
let policies: IbmClient
const tokens = new Map<string, string>()
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
  const document = JSON.parse(JSON.stringify(bootstrapOf([mainAccount])))
  for (const role of ROLES) {
    const roles = { 'cloud-object-storage': DECLARED.includes(role) ? role : null, kms: null, iam: null }
    document.accounts[0].users.push({
      ...{ iamId: `IBMid-${role}`, name: role, email: `${role}@example.com`, hmac: [], roles },
      apiKeys: [`api key of ${role}`],
    })
  }
  const path = join(directory, 'identities.json')
  await writeFile(path, JSON.stringify(document))
  test = await startHouse({ directory, settings: { COFFER_BOOTSTRAP_FILE: path } })
  for (const role of ROLES) tokens.set(role, await iamToken(test.controlUrl, `api key of ${role}`))
  for (const bucket of ['photos', 'letters']) await test.client().send(new CreateBucketCommand({ Bucket: bucket }))
  policies = await platformClient('iam-policy-management/v1', test.controlUrl, mainAccount.user.apiKey)
  for (const role of BY_POLICY) await grant(role, `crn:v1:bluemix:public:cloud-object-storage::::serviceRole:${role}`)
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const call = (name: string, parameters: object) => ibmCall(policies, name, parameters)
const grant = (user: string, role_id: string, more: object = {}) =>
  call('createPolicy', {
    type: 'access',
    subjects: [{ attributes: [{ name: 'iam_id', value: `IBMid-${user}` }] }],
    roles: [{ role_id }],
    resources: [
      {
        attributes: Object.entries({
          accountId: mainAccount.id,
          serviceName: 'cloud-object-storage',
          serviceInstance: mainAccount.objectStorageInstance,
          ...more,
        }).map(([name, value]) => ({ name, value })),
      },
    ],
  })

const send = (role: string, patch?: object, bucket = 'photos') =>
  sendConfig(test.controlUrl, bucket, tokens.get(role), { patch })

const MEMBERS = {
  hard_quota: 1_000_000,
  firewall: { denied_ip: ['192.0.2.1'] },
  activity_tracking: { read_data_events: false },
  metrics_monitoring: { usage_metrics_enabled: false },
}

const WRITERS = ['activity_tracking', 'metrics_monitoring']

describe('the right to configure a bucket', () => {
  it('to change a member is a Manager’s, and a Writer’s where it is about what is told of the bucket', async () => {
    for (const role of ROLES) {
      for (const [member, value] of Object.entries(MEMBERS)) {
        const { status } = await send(role, { [member]: value })
        const may = role === 'Manager' || (role === 'Writer' && WRITERS.includes(member))
        expect([role, member, status]).toEqual([role, member, may ? 204 : 403])
      }
    }
  })

  it('to read it is a Reader’s, but for the firewall', async () => {
    expect((await send('Manager', MEMBERS)).status).toBe(204)
    const { firewall: _, ...rest } = MEMBERS
    expect((await send('Manager')).body).toMatchObject(MEMBERS)
    for (const role of ['Reader', 'Writer']) {
      const { status, body } = await send(role)
      expect([status, body]).toEqual([200, expect.objectContaining(rest)])
      expect(body).not.toHaveProperty('firewall')
    }
    for (const role of [...BY_POLICY, 'null']) {
      expect(await send(role)).toMatchObject({ status: 403, code: 'forbidden' })
    }
  })

  it('can be given for one bucket, and for one member by a role of one’s own', async () => {
    const role = await call('createRole', {
      displayName: 'Quota keeper',
      actions: ['cloud-object-storage.bucket.list_bucket_crn', 'cloud-object-storage.bucket.put_quota'],
      name: 'QuotaKeeper',
      accountId: mainAccount.id,
      serviceName: 'cloud-object-storage',
    })
    await grant('null', role.result.crn, { resourceType: 'bucket', resource: 'letters' })
    const statuses: number[] = []
    for (const [patch, bucket] of [
      [{ hard_quota: 5 }, 'letters'],
      [{ hard_quota: 5 }, 'photos'],
      [{ firewall: null }, 'letters'],
      [{ hard_quota: 6, firewall: null }, 'letters'],
    ] as const) {
      statuses.push((await send('null', patch, bucket)).status)
    }
    expect(statuses).toEqual([204, 403, 403, 403])
    const { body } = await send('null', undefined, 'letters')
    expect([body.hard_quota, 'activity_tracking' in body, 'firewall' in body]).toEqual([5, false, false])
  })
})
