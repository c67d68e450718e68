import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { otherAccount } from '../support/other-account.ts'

let test: TestHouse
let s3: S3Client
let keys: KeyOwner
let stranger: KeyOwner
let rootKey: { readonly crn: string; readonly id: string }
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, otherAccount] })
  s3 = test.client()
  keys = await keyOwner(test.controlUrl)
  stranger = await keyOwner(test.controlUrl, otherAccount)
  rootKey = await keys.newKey('watched')
  await s3.send(new CreateBucketCommand({ Bucket: 'watched' }))
  const to = { encryption: 'customer-managed', rootKeyCrn: rootKey.crn }
  await keys.call('PUT', '/admin/v1/buckets/watched/encryption', to)
  for (const Key of ['a/1', 'a/2', 'b/1']) await s3.send(new PutObjectCommand({ Bucket: 'watched', Key, Body: Key }))
  await s3.send(new GetObjectCommand({ Bucket: 'watched', Key: 'a/1' })).then(({ Body }) => Body?.transformToString())
  await stranger.newKey('of somebody else')
  await vi.waitFor(async () => {
    const reads = await activity({ bucket: 'watched', object: 'a/1', did: 's3.GetObject' })
    expect(reads.entries).toHaveLength(1)
    expect((await activity({ kind: 'key' }, stranger)).entries).not.toEqual([])
  })
})
afterAll(() => test[Symbol.asyncDispose]())

interface Entry {
  readonly seq: number
  readonly kind: string
  readonly action: string
  readonly outcome: string
  readonly why?: string
  readonly object?: string
  readonly target?: string
  readonly said: { readonly who: object; readonly did: string; readonly what: object; readonly decidedBy?: object }
}
interface Page {
  readonly entries: readonly Entry[]
  readonly next?: number
  readonly latest: number
}
const activity = async (query: Record<string, string>, who = keys): Promise<Page> => {
  const { status, json } = await who.call('GET', `/admin/v1/activity?${new URLSearchParams(query)}`)
  expect([status, json]).toEqual([200, json])
  return json
}

describe('The activity of an account', () => {
  it('is told with what a sentence needs', async () => {
    const { entries } = await activity({ bucket: 'watched', object: 'a/1', use: 'unwrap', did: 's3.GetObject' })
    expect(entries).toMatchObject([
      {
        ...{ kind: 'data-key', action: 's3.GetObject', outcome: 'success', object: 'a/1', key: rootKey.crn },
        said: {
          who: { id: mainAccount.user.iamId, kind: 'user', name: expect.any(String) },
          did: 'read',
          what: { bucket: 'watched', object: 'a/1', rootKey: rootKey.crn },
          decidedBy: { kind: 'role', role: 'Manager' },
        },
      },
    ])
  })

  it('is narrowed by who, what, key, time and outcome', async () => {
    const objects = async (query: Record<string, string>) =>
      new Set((await activity({ did: 's3.*,kms.none', use: 'wrap', ...query })).entries.map(({ object }) => object))
    expect(await objects({ object: 'a/*' })).toEqual(new Set(['a/2', 'a/1']))
    expect(await objects({ what: 'b/1' })).toEqual(new Set(['b/1']))
    expect(await objects({ key: rootKey.id, kind: 'data-key', object: 'b/1' })).toEqual(new Set(['b/1']))
    expect(await objects({ who: mainAccount.user.iamId.slice(2, 9), object: 'b/1' })).toEqual(new Set(['b/1']))
    expect(await objects({ who: 'nobody of that name' })).toEqual(new Set())
    expect(await objects({ outcome: 'failure' })).toEqual(new Set())
    expect(await objects({ until: '2020-01-01T00:00:00Z' })).toEqual(new Set())
    expect(await objects({ since: '2020-01-01T01:00:00+01:00', object: 'b/1' })).toEqual(new Set(['b/1']))
  })

  it('has why a key was disabled, as far as whoever did it said so', async () => {
    const { id, crn } = await keys.newKey('suspected')
    const disable = (body: unknown) => keys.call('POST', `/api/v2/keys/${id}/actions/disable`, body)
    expect((await disable({ reason: 'two\nlines' })).status).toBe(400)
    expect((await disable({ reason: 'x'.repeat(501) })).status).toBe(400)
    expect((await keys.call('GET', `/api/v2/keys/${id}/metadata`)).json.resources[0].state).toBe(1)
    expect((await disable({ reason: ' suspected “leak” ', somethingElse: 1 })).status).toBe(204)
    expect((await disable(undefined)).status).toBe(409)
    // What was refused is written soon after.
    await vi.waitFor(async () => {
      const { entries } = await activity({ key: crn, did: 'kms.secrets.disable' })
      expect(entries.map(({ outcome, why }) => [outcome, why])).toEqual([
        ['failure', undefined],
        ['success', 'suspected “leak”'],
      ])
    })
  })

  it('is paged from the newest to the oldest, each line once', async () => {
    const all = (await activity({ limit: '1000', until: new Date().toISOString() })).entries.map(({ seq }) => seq)
    expect(all).toEqual([...all].sort((one, other) => other - one))
    const paged: number[] = []
    for (let before: number | undefined = (all[0] ?? 0) + 1; before !== undefined; ) {
      const page: Page = await activity({ limit: '3', before: String(before) })
      paged.push(...page.entries.map(({ seq }) => seq))
      before = page.next
    }
    expect(paged).toEqual(all)
  })

  it('is followed by who waits for more', async () => {
    const { latest } = await activity({ limit: '1' })
    const coming = activity({ after: String(latest), wait: '25', did: 's3.PutObject', object: 'new' })
    await s3.send(new PutObjectCommand({ Bucket: 'watched', Key: 'new', Body: 'new' }))
    const { entries, latest: then } = await coming
    expect(entries.map(({ object }) => object)).toContain('new')
    expect(then).toBeGreaterThan(latest)
  })

  it('is exported as the lines of the log, oldest first', async () => {
    const reply = await fetch(`${test.controlUrl}/admin/v1/activity?bucket=watched&use=wrap&did=s3.PutObject`, {
      headers: { authorization: `Bearer ${await iamToken(test.controlUrl)}`, accept: 'application/x-ndjson' },
    })
    expect(reply.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = (await reply.text()).trimEnd().split('\n')
    const records = lines.map((line) => JSON.parse(line))
    expect(records.map(({ object }) => object).slice(0, 3)).toEqual(['a/1', 'a/2', 'b/1'])
    expect(records.every(({ hash, said }) => typeof hash === 'string' && said === undefined)).toBe(true)
  })

  it('is nobody’s but the account’s, and its Administrators’', async () => {
    const theirs = await activity({ limit: '1000' }, stranger)
    expect(theirs.entries.length).toBeGreaterThan(0)
    expect(JSON.stringify(theirs.entries)).not.toMatch(new RegExp(`${mainAccount.id}|watched`))
    const ours = await activity({ limit: '1000', kind: 'key,iam' })
    expect(JSON.stringify(ours.entries)).not.toContain(otherAccount.id)
    for (const query of ['limit=0', 'since=yesterday', 'outcome=maybe', 'after=-1']) {
      expect((await keys.call('GET', `/admin/v1/activity?${query}`)).status).toBe(400)
    }
  })
})
