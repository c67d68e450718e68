import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clientAddressBehind } from '../../src/api/common/client-address.ts'
import { NO_LIMITS, throttle } from '../../src/api/common/throttle.ts'
import { firewallTest } from '../../src/api/s3/firewall.ts'
import { createS3Handler } from '../../src/api/s3/handler.ts'
import { createS3Server } from '../../src/api/s3/listener.ts'
import { systemClock } from '../../src/base/clock.ts'
import { CodedError } from '../../src/base/errors.ts'
import type { Principal } from '../../src/iam/principal.ts'
import { type AuditErrorCode, noAudit } from '../../src/observe/audit-trail.ts'
import { mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { bearer, sendPlain } from '../support/send.ts'

const crn = objectStorageCrn(mainAccount)
const principal: Principal = {
  type: 'user',
  iamId: 'IBMid-main',
  accountId: mainAccount.id,
  name: '',
  email: '',
  roles: {},
}
const instance = {
  ...{ crn, guid: mainAccount.objectStorageInstance, accountId: mainAccount.id, name: '', region: 'global' },
  service: 'cloud-object-storage',
} as const

let house: TestHouse
let url: string
beforeAll(async () => {
  house = await startHouse()
  const handler = createS3Handler({
    throttle: throttle(NO_LIMITS),
    objects: house.house.objects,
    iam: {
      findCredential: () => undefined,
      verifyToken: async () => principal,
      decide: () => ({ allowed: true, reason: 'role Manager' }),
      instance: () => instance,
      instances: () => [instance],
      owner: () => ({ id: 'owner', displayName: 'owner' }),
      accounts: () => [],
      accountsOfEmail: () => [],
      mandates: { of: () => undefined, principal: () => undefined },
    },
    identities: { idOf: () => undefined, arnOf: () => undefined },
    query: () => {
      throw new Error('not asked for')
    },
    clock: systemClock,
    domains: [],
    websiteDomains: [],
    settings: {
      ...{ region: 'us-south', serviceRootKeyCrn: '', storageClasses: ['STANDARD'], notificationTargets: [] },
      replicationTargets: [],
      ...{ accountRootKey: async () => '', customerKeysOverHttp: true, bucketDefaults: 'aws' },
    },
    clientAddress: clientAddressBehind([]),
    firewall: firewallTest([]),
    activity: {
      ...noAudit,
      ready: () => {
        throw new CodedError<AuditErrorCode>('AuditUnavailable', 'the disk is full')
      },
    },
    log: { access: () => {}, fault: () => {} },
  })
  const server = createS3Server(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return () => server.close()
})
afterAll(() => house[Symbol.asyncDispose]())

it('does nothing that it could not record: 503, and only where it is asked to record', async () => {
  const { objects } = house.house
  for (const name of ['tracked', 'untracked']) {
    await house.client().send(new CreateBucketCommand({ Bucket: name }))
    await house.client().send(new PutObjectCommand({ Bucket: name, Key: 'key', Body: 'x' }))
  }
  await objects.configure(objects.buckets.get('tracked'), () => ({ activityTracking: { writeDataEvents: true } }))
  const remove = async (bucket: string) =>
    (await sendPlain(url, { method: 'DELETE', target: `/${bucket}/key`, headers: bearer('token') })).status
  expect([await remove('tracked'), await remove('untracked')]).toEqual([503, 204])
  const left = async (bucket: string) => (await objects.bucketUsage(objects.buckets.get(bucket))).objects
  expect([await left('tracked'), await left('untracked')]).toEqual([1, 0])
  const read = await sendPlain(url, { method: 'GET', target: '/tracked/key', headers: bearer('token') })
  expect(read.status).toBe(200)
})
