import { createHash } from 'node:crypto'
import { PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACTIONS, objectRight } from '../../src/access/s3-actions.ts'
import { replicationRights } from '../../src/api/s3/replication/rights.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Principal } from '../../src/iam/principal.ts'
import type { ReplicationRights, Written } from '../../src/objects/replication/rights.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { outcome, type RawS3Request, sendRaw } from '../support/raw-s3.ts'
import { versioned } from '../support/replication.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

const BUCKET = 'written-to'
const KEY = 'key'
const untilMs = Math.floor(Date.now() / 1000) * 1000 + 20 * 86_400_000
const RETAIN_UNTIL = new Date(untilMs).toISOString()
const md5 = (body: string) => createHash('md5').update(body).digest('base64')

let test: SharedHouse
let versionId = ''
let rights: ReplicationRights
beforeAll(async () => {
  test = await startSharedHouse('aws')
  await versioned(test.main, BUCKET, true)
  const first = { Bucket: BUCKET, Key: KEY, Body: 'x', Tagging: 'old=tag' }
  versionId = (await test.main.send(new PutObjectCommand(first))).VersionId ?? ''
  // By the policy of the bucket alone something is denied.
  const principal: Principal = {
    type: 'user',
    ...{ iamId: mainAccount.user.iamId, accountId: mainAccount.id },
    ...{ roles: {}, name: 'user', email: 'user@example.com' },
  }
  rights = replicationRights({
    objects: async () => test.house.house.objects,
    iam: {
      decide: () => ({ allowed: true, reason: 'a role' }),
      owner: () => undefined,
      mandates: { of: () => undefined, principal: () => principal },
    },
    ...{ clock: systemClock, region: 'us-east-1' },
  })
})
afterAll(() => test[Symbol.asyncDispose]())

let ids = 0
/** Of a version that there is not yet. */
const nextReplica = () => ({
  versionId: Buffer.alloc(16, ++ids).toString('base64url'),
  modifiedAtMs: 1_700_000_000_000,
})
const replicaHeaders = (replica: ReturnType<typeof nextReplica>) => ({
  'x-coffer-replica-version-id': replica.versionId,
  'x-coffer-replica-modified-ms': String(replica.modifiedAtMs),
})

interface Case {
  readonly what: string
  readonly written: () => Written
  /** What would do the same, sent. */
  readonly request: () => Omit<RawS3Request, 'path'>
}
const withBody = (query: string, body: string, headers: Record<string, string> = {}) => ({
  ...{ method: 'PUT', body, query: { [query]: '', versionId } },
  headers: { 'content-md5': md5(body), ...headers },
})
const retention = { mode: 'GOVERNANCE', untilMs } as const
const RETENTION = `<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>${RETAIN_UNTIL}</RetainUntilDate></Retention>`
const plain = { headers: {}, tags: [], lock: undefined, storageClass: undefined, keyName: undefined, rootKeyCrn: '' }

const cases: readonly Case[] = [
  {
    what: 'PutObject',
    written: () => ({ does: 'PutObject', replica: nextReplica(), ...plain, algorithm: 'AES256' }),
    request: () => ({
      ...{ method: 'PUT', body: 'x' },
      headers: { ...replicaHeaders(nextReplica()), 'x-amz-server-side-encryption': 'AES256' },
    }),
  },
  {
    what: 'PutObject with tags, lock and class',
    written: () => ({
      ...{ does: 'PutObject', replica: nextReplica(), ...plain, algorithm: 'AES256', storageClass: 'STANDARD' },
      headers: { 'x-amz-website-redirect-location': '/elsewhere' },
      tags: [{ key: 'new', value: 'tag' }],
      lock: { mode: 'GOVERNANCE', retainUntilMs: untilMs, legalHold: true },
    }),
    request: () => ({
      ...{ method: 'PUT', body: 'x' },
      headers: {
        ...replicaHeaders(nextReplica()),
        'x-amz-website-redirect-location': '/elsewhere',
        ...{ 'content-md5': md5('x'), 'x-amz-server-side-encryption': 'AES256', 'x-amz-tagging': 'new=tag' },
        ...{ 'x-amz-storage-class': 'STANDARD', 'x-amz-object-lock-mode': 'GOVERNANCE' },
        ...{ 'x-amz-object-lock-retain-until-date': RETAIN_UNTIL, 'x-amz-object-lock-legal-hold': 'ON' },
      },
    }),
  },
  {
    what: 'DeleteObject',
    written: () => ({ does: 'DeleteObject', replica: nextReplica() }),
    request: () => ({ method: 'DELETE', headers: replicaHeaders(nextReplica()) }),
  },
  {
    what: 'PutObjectTagging',
    written: () => ({ does: 'PutObjectTagging', versionId, tags: [{ key: 'old', value: 'tag' }] }),
    request: () =>
      withBody('tagging', '<Tagging><TagSet><Tag><Key>old</Key><Value>tag</Value></Tag></TagSet></Tagging>'),
  },
  {
    what: 'PutObjectRetention',
    written: () => ({ does: 'PutObjectRetention', versionId, retention, bypassGovernance: false }),
    request: () => withBody('retention', RETENTION),
  },
  {
    what: 'PutObjectRetention that bypasses governance',
    written: () => ({ does: 'PutObjectRetention', versionId, retention, bypassGovernance: true }),
    request: () => withBody('retention', RETENTION, { 'x-amz-bypass-governance-retention': 'true' }),
  },
  {
    what: 'PutObjectLegalHold',
    written: () => ({ does: 'PutObjectLegalHold', versionId, legalHold: true }),
    request: () => withBody('legal-hold', '<LegalHold><Status>ON</Status></LegalHold>'),
  },
  // It takes the tags that statements are about.
  {
    what: 'DeleteObjectTagging',
    written: () => ({ does: 'DeleteObjectTagging', versionId }),
    request: () => ({ method: 'DELETE', query: { tagging: '', versionId } }),
  },
]

const deny = (Action: string, Condition?: object) => {
  const Statement = {
    ...{ Effect: 'Deny', Principal: '*', Action, Resource: `arn:aws:s3:::${BUCKET}/*` },
    ...(Condition ? { Condition } : {}),
  }
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
  return test.main.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy }))
}

async function refusedOf({ written, request }: Case) {
  const sent = outcome(await sendRaw(test.house.s3Url, { ...request(), path: `/${BUCKET}/${KEY}` }))
  expect(sent).toMatch(/^(20[04]|403 AccessDenied)$/)
  const replicated = await rights('orderer', { ...written(), bucket: BUCKET, key: KEY })
  return { request: sent.startsWith('403'), replication: replicated !== undefined }
}

/** What replication must be allowed, or not denied, beside it. */
const besides = (what: string): readonly string[] => {
  if (what.startsWith('PutObject with tags')) return ['s3:ReplicateTags']
  if (what === 'PutObject' || what === 'DeleteObject') return []
  if (!what.endsWith('Tagging')) return ['s3:ReplicateObject']
  return ['s3:ReplicateObject', 's3:ReplicateTags', `s3:${what}`]
}

const CONDITIONS: readonly (readonly [operator: string, key: string, value: string])[] = [
  ['StringEquals', 's3:RequestObjectTag/new', 'tag'],
  ['ForAnyValue:StringEquals', 's3:RequestObjectTagKeys', 'new'],
  ['StringEquals', 's3:x-amz-storage-class', 'STANDARD'],
  ['StringEquals', 's3:x-amz-server-side-encryption', 'AES256'],
  ['Null', 's3:x-amz-server-side-encryption', 'true'],
  ['StringEquals', 's3:x-amz-website-redirect-location', '/elsewhere'],
  ['Null', 's3:x-amz-website-redirect-location', 'true'],
  ['StringEquals', 's3:object-lock-mode', 'GOVERNANCE'],
  ['StringEquals', 's3:object-lock-legal-hold', 'ON'],
  ['NumericGreaterThan', 's3:object-lock-remaining-retention-days', '10'],
  ['StringEquals', 's3:ExistingObjectTag/old', 'tag'],
  ['Null', 's3:versionid', 'false'],
  ['Bool', 's3:ObjectCreationOperation', 'true'],
  ['StringEquals', 's3:authType', 'REST-HEADER'],
]

describe.each(cases)('Replication that does $what', (one) => {
  it('is denied by the actions that the request is denied by, and by its own', async () => {
    const denied = { request: new Set<string>(), replication: new Set<string>() }
    for (const action of ACTIONS.filter((name) => objectRight(name) !== undefined)) {
      await deny(action)
      const refused = await refusedOf(one)
      if (refused.request) denied.request.add(action)
      if (refused.replication) denied.replication.add(action)
    }
    expect(denied.request.size).toBeGreaterThan(0)
    expect(denied.replication).toEqual(denied.request.union(new Set(besides(one.what))))
  })

  it.each(CONDITIONS)('is denied by what the request is denied by: %s %s', async (operator, key, value) => {
    await deny('s3:*', { [operator]: { [key]: value } })
    const refused = await refusedOf(one)
    expect(refused.replication).toBe(refused.request)
  })
})
