import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { applyBootstrap } from '../../src/iam/bootstrap.ts'
import { firstStart } from '../../src/iam/first-start.ts'
import { equal } from '../../src/iam/policy.ts'
import { SPACE } from '../../src/objects/keyspace.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import { ACCOUNT, BOOTSTRAP, openTestIam, putSomebody } from '../iam/serve.ts'
import { mainAccount, type TestAccount } from '../support/bootstrap.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { flipped, type StoredRow, withRows } from '../support/level-rows.ts'
import { refusal } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { sendRaw } from '../support/raw-s3.ts'

const text = async (test: TestHouse, Bucket: string) => {
  const { Body: body } = await test.client().send(new GetObjectCommand({ Bucket, Key: 'key' }))
  return body?.transformToString()
}

/** A stopped server with two buckets, each under a root key of its own, and the ids of those. */
async function stopped() {
  const first = await startHouse()
  onTestFinished(() => rm(first.directory, { recursive: true, force: true }))
  const owner = await keyOwner(first.controlUrl)
  const ids: string[] = []
  for (const bucket of ['one', 'two']) {
    const { crn, id } = await owner.newKey(bucket)
    ids.push(id)
    const headers = { 'ibm-sse-kp-encryption-algorithm': 'AES256', 'ibm-sse-kp-customer-root-key-crn': crn }
    expect((await sendRaw(first.s3Url, { method: 'PUT', path: `/${bucket}`, headers })).status).toBe(200)
    await first.client().send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: bucket }))
  }
  await first.stop()
  const [one = '', two = ''] = ids
  return { directory: first.directory, dataDir: first.dataDir, one, two }
}

const damage = (directory: string, wanted: (row: StoredRow) => boolean) =>
  withRows(directory, async ({ all, put }) => {
    const chosen = all.filter(wanted)
    expect(chosen).toHaveLength(1)
    for (const { key, value } of chosen) await put(key, flipped(value, -1))
    return async () =>
      withRows(directory, async (rows) => rows.put(chosen[0]?.key ?? Buffer.of(0), chosen[0]?.value ?? Buffer.of(0)))
  })

it('a bucket whose row is damaged is refused, its name not given again, and comes back with its row', async () => {
  const { directory, dataDir } = await stopped()
  const mend = await damage(
    join(dataDir, 'metadata'),
    ({ key }) => key[0] === 1 && key.subarray(1).toString() === 'one',
  )
  {
    await using test = await startHouse({ directory })
    expect(await text(test, 'two')).toBe('two')
    expect(await refusal(text(test, 'one'))).toMatch(/InternalError/)
    const put = new PutObjectCommand({ Bucket: 'one', Key: 'other', Body: 'x' })
    expect(await refusal(test.client().send(put))).toMatch(/InternalError/)
    expect(await refusal(test.client().send(new CreateBucketCommand({ Bucket: 'one' })))).toMatch(/InternalError/)
    await expect(test.house.objects.keyUsage('crn:any')).rejects.toMatchObject({ code: 'MetadataCorrupt' })
  }
  await mend()
  await using test = await startHouse({ directory })
  expect(await text(test, 'one')).toBe('one')
})

it.each([
  ['record', 32],
  ['version', 33],
] as const)('a key whose %s is damaged is refused by name, and comes back with its row', async (_, space) => {
  const { directory, dataDir, one, two } = await stopped()
  const id = one.replaceAll('-', '')
  const mend = await damage(join(dataDir, 'kms'), ({ key }) => key[0] === space && key.toString('hex', 17, 33) === id)
  {
    await using test = await startHouse({ directory })
    const owner = await keyOwner(test.controlUrl)
    expect(await text(test, 'two')).toBe('two')
    expect(await refusal(text(test, 'one'))).toMatch(/ServiceUnavailable/)
    const answer = await owner.call('GET', `/api/v2/keys/${one}`)
    expect(answer).toMatchObject({
      status: 500,
      json: { resources: [{ reasons: [{ code: 'INCOMPLETE_METADATA_ERR' }] }] },
    })
    expect((await owner.call('GET', `/api/v2/keys/${two}`)).status).toBe(200)
  }
  await mend()
  await using test = await startHouse({ directory })
  expect(await text(test, 'one')).toBe('one')
})

describe('what is stored of a key management instance', () => {
  const row = (space: number, name?: string) => (stored: StoredRow) =>
    stored.key[0] === space && (name === undefined || stored.key.toString('utf8', 17) === name)
  const INSTANCE_POLICIES = '/api/v2/instance/policies'
  const policy = (policy_type: string, policy_data: object) => ({
    metadata: { collectionTotal: 1 },
    resources: [{ policy_type, policy_data }],
  })
  const problems = async (test: TestHouse): Promise<string> => (await fetch(`${test.controlUrl}/health/ready`)).text()

  /** A stopped server with a ring that holds a key, an import token and these instance policies. */
  async function keysOnly(...policies: readonly object[]) {
    const first = await startHouse()
    onTestFinished(() => rm(first.directory, { recursive: true, force: true }))
    const owner = await keyOwner(first.controlUrl)
    const { id } = await owner.newKey('served')
    expect((await owner.call('POST', '/api/v2/key_rings/ring-one')).status).toBe(201)
    expect((await owner.call('PATCH', `/api/v2/keys/${id}`, { keyRingID: 'ring-one' })).status).toBe(200)
    expect((await owner.call('POST', '/api/v2/import_token', {})).status).toBe(200)
    for (const one of policies) expect((await owner.call('PUT', INSTANCE_POLICIES, one)).status).toBe(204)
    await first.stop()
    return { directory: first.directory, kms: join(first.dataDir, 'kms'), id }
  }
  const wrap = (owner: KeyOwner, id: string) => owner.call('POST', `/api/v2/keys/${id}/actions/wrap`, {})

  it('a damaged key ring is there, with its keys, and its name is not given again', async () => {
    const { directory, kms, id } = await keysOnly()
    await damage(kms, row(37, 'ring-one'))
    await using test = await startHouse({ directory })
    const owner = await keyOwner(test.controlUrl)
    expect((await wrap(owner, id)).status).toBe(200)
    const rings = (await owner.call('GET', '/api/v2/key_rings')).json.resources
    expect(rings).toEqual([{ id: 'default' }, { id: 'ring-one' }])
    expect((await owner.call('POST', '/api/v2/key_rings/ring-one')).status).toBe(409)
    expect(await problems(test)).toMatch(/record is damaged: 1/)
    const metrics = await (await fetch(`${test.controlUrl}/metrics`)).text()
    expect(metrics).toMatch(/^coffer_damaged_rows\{store="iam"\} 0\ncoffer_damaged_rows\{store="kms"\} 1$/m)
  })

  it('a damaged import token is refused until another one takes its place', async () => {
    const { directory, kms, id } = await keysOnly()
    await damage(kms, row(42))
    await using test = await startHouse({ directory })
    const owner = await keyOwner(test.controlUrl)
    expect((await wrap(owner, id)).status).toBe(200)
    expect((await owner.call('GET', '/api/v2/import_token')).status).toBe(500)
    expect((await owner.call('POST', '/api/v2/import_token', {})).status).toBe(200)
    expect((await owner.call('GET', '/api/v2/import_token')).status).toBe(200)
  })

  it.each([
    ['allowedIP', { enabled: true, attributes: { allowed_ip: ['127.0.0.0/8', '::1/128'] } }],
    ['allowedNetwork', { enabled: true, attributes: { allowed_network: 'public-and-private' } }],
  ])('a damaged policy %s lets nobody in, whatever it said', async (type, data) => {
    const { directory, kms, id } = await keysOnly(policy(type, data))
    const mend = await damage(kms, row(38, type))
    {
      await using test = await startHouse({ directory })
      expect((await wrap(await keyOwner(test.controlUrl), id)).status).toBe(401)
    }
    {
      const settings = { COFFER_KMS_NETWORK_POLICIES: 'false' }
      await using test = await startHouse({ directory, settings })
      expect((await wrap(await keyOwner(test.controlUrl), id)).status).toBe(200)
    }
    await mend()
    await using test = await startHouse({ directory })
    expect((await wrap(await keyOwner(test.controlUrl), id)).status).toBe(200)
  })

  it.each(['dualAuthDelete', 'keyCreateImportAccess'])('with a damaged policy %s no key is made', async (type) => {
    const { directory, kms, id } = await keysOnly(policy(type, { enabled: true }))
    await damage(kms, row(38, type))
    await using test = await startHouse({ directory })
    const owner = await keyOwner(test.controlUrl)
    expect((await wrap(owner, id)).status).toBe(200)
    await expect(owner.newKey('another')).rejects.toThrow(/500/)
    expect((await owner.call('GET', INSTANCE_POLICIES)).status).toBe(500)
    expect((await owner.call('PUT', INSTANCE_POLICIES, policy(type, { enabled: true }))).status).toBe(204)
    await owner.newKey('another')
    expect((await owner.call('GET', INSTANCE_POLICIES)).status).toBe(200)
  })
})

describe('what is stored of identities and rights', () => {
  it.each([
    ['user', 66],
    ['credential', 67],
    ['API key', 68],
  ] as const)(
    'a damaged %s of one account is refused, and declared ones are not put in its place',
    async (_, space) => {
      const accounts = [mainAccount, otherAccount]
      const first = await startHouse({ accounts })
      onTestFinished(() => rm(first.directory, { recursive: true, force: true }))
      await first.stop()
      const ownedByMain = ({ key, value }: StoredRow) =>
        key[0] === space && (space === 66 ? key.toString('utf8', 1).startsWith(mainAccount.id) : value.length > 0)
      const chosen = await withRows(join(first.dataDir, 'iam'), async ({ all, put }) => {
        const rows = all.filter(ownedByMain)
        for (const { key, value } of rows) {
          if (space !== 67 || key.toString('utf8', 1) === mainAccount.user.accessKeyId)
            await put(key, flipped(value, -1))
        }
        return rows.length
      })
      expect(chosen).toBeGreaterThan(0)
      await using test = await startHouse({ directory: first.directory, accounts })
      expect(await (await fetch(`${test.controlUrl}/health/ready`)).text()).toMatch(/record is damaged: [12]/)
      const list = (account: TestAccount) =>
        test
          .client(account)
          .send(new ListBucketsCommand({}))
          .then(
            () => 'served',
            () => 'refused',
          )
      const token = (account: TestAccount) =>
        iamToken(test.controlUrl, account.user.apiKey).then(
          () => 'served',
          () => 'refused',
        )
      if (space === 66) expect([await list(mainAccount), await token(mainAccount)]).toEqual(['refused', 'refused'])
      if (space === 67) expect([await list(mainAccount), await token(mainAccount)]).toEqual(['refused', 'served'])
      if (space === 68) expect([await list(mainAccount), await token(mainAccount)]).toEqual(['served', 'refused'])
      if (space !== 68) expect([await list(otherAccount), await token(otherAccount)]).toEqual(['served', 'served'])
    },
  )

  it('a damaged account is not founded again, and its people get in', async () => {
    const store = memoryStore()
    const founded = await firstStart(await openTestIam(store))
    const { accountId = '', apiKey = '' } = founded ?? {}
    await store.commit([{ type: 'put', space: 64, key: Buffer.from(accountId), value: Buffer.from('{') }])
    const later = await openTestIam(store)
    expect(later.damagedRows()).toBe(1)
    expect(await firstStart(later)).toBeUndefined()
    await expect(later.tokens.issueForApiKey(apiKey)).resolves.toBeDefined()
  })

  it('a damaged policy grants nothing, and the others serve', async () => {
    const store = memoryStore()
    const iam = await openTestIam(store)
    await applyBootstrap(iam, BOOTSTRAP)
    await putSomebody(iam, 'IBMid-a', 'IBMid-b')
    const grant = (iamId: string) =>
      iam.policies.create(
        {
          type: 'access',
          accountId: ACCOUNT,
          subject: [equal('iam_id', iamId)],
          resource: [equal('accountId', ACCOUNT), equal('serviceName', 'kms')],
          roles: ['crn:v1:bluemix:public:iam::::serviceRole:Reader'],
        },
        'test',
      )
    const [damaged] = [await grant('IBMid-a'), await grant('IBMid-b')]
    await store.commit([{ type: 'put', space: 69, key: Buffer.from(damaged.id), value: Buffer.from('{') }])
    const later = await openTestIam(store)
    expect(later.damagedRows()).toBe(1)
    const may = (iamId: string) =>
      later.decide({ type: 'user', iamId, accountId: ACCOUNT, roles: {}, name: '', email: '' }, 'kms.secrets.list', {
        service: 'kms',
        accountId: ACCOUNT,
      }).allowed
    expect([may('IBMid-a'), may('IBMid-b')]).toEqual([false, true])
  })
})

it.each(['abort', 'delete the bucket'] as const)(
  'an upload whose record is damaged is listed beside the others, and gone with its parts on %s',
  async (how) => {
    const first = await startHouse()
    onTestFinished(() => rm(first.directory, { recursive: true, force: true }))
    const { directory, dataDir } = first
    const Bucket = 'uploads'
    await first.client().send(new CreateBucketCommand({ Bucket }))
    const ids: string[] = []
    for (const Key of ['a', 'b', 'c']) {
      const { UploadId } = await first.client().send(new CreateMultipartUploadCommand({ Bucket, Key }))
      const Body = Buffer.alloc(300_000, Key)
      await first.client().send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body }))
      ids.push(UploadId ?? '')
    }
    await first.stop()
    await damage(join(dataDir, 'metadata'), ({ key }) => {
      return key[0] === SPACE.upload && key.subarray(17, 18).toString() === 'b'
    })
    await using test = await startHouse({ directory })
    const listed = async (more: object = {}) => {
      const { Uploads = [] } = await test.client().send(new ListMultipartUploadsCommand({ Bucket, ...more }))
      return Uploads.map(({ Key, UploadId, Initiated }) => [
        Key,
        UploadId,
        Math.abs(Number(Initiated) - Date.now()) < 60_000,
      ])
    }
    const all = ['a', 'b', 'c'].map((key, at) => [key, ids[at], true])
    expect(await listed()).toEqual(all)
    expect(await listed({ KeyMarker: 'a' })).toEqual(all.slice(1))
    expect(await listed({ MaxUploads: 2 })).toEqual(all.slice(0, 2))
    const upload = { Bucket, Key: 'b', UploadId: ids[1] ?? '' }
    expect(await refusal(test.client().send(new UploadPartCommand({ ...upload, PartNumber: 2, Body: 'x' })))).toMatch(
      /InternalError/,
    )
    const blobs = async () => {
      await test.house.objects.garbage.settled()
      const pages = await Promise.all(
        (await test.house.blobs.leases()).map((lease) => test.house.blobs.list(lease, undefined, 1000)),
      )
      return pages.flat().length
    }
    expect(await blobs()).toBe(3)
    if (how === 'abort') {
      await test.client().send(new AbortMultipartUploadCommand(upload))
      expect(await refusal(test.client().send(new AbortMultipartUploadCommand(upload)))).toBe('404 NoSuchUpload')
      expect(await listed()).toEqual([all[0], all[2]])
      expect(await blobs()).toBe(2)
    } else {
      await test.client().send(new DeleteBucketCommand({ Bucket }))
      expect(await blobs()).toBe(0)
    }
    await vi.waitFor(async () => expect((await test.house.objects.recount()).differences).toEqual([]))
  },
)
