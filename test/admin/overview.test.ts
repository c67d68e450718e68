import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { otherAccount } from '../support/other-account.ts'

let test: TestHouse
let s3: S3Client
let keys: KeyOwner
let stranger: KeyOwner
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, otherAccount] })
  s3 = test.client()
  keys = await keyOwner(test.controlUrl)
  stranger = await keyOwner(test.controlUrl, otherAccount)
})
afterAll(() => test[Symbol.asyncDispose]())

const overview = async (who = keys) => (await who.call('GET', '/admin/v1/overview')).json

describe('The overview', () => {
  it('tells of buckets and bytes by encryption, of keys by state, and of what cannot be read', async () => {
    expect(await overview()).toMatchObject({ buckets: { total: 0 }, rootKeys: { total: 0 }, ready: true })
    const key = await keys.newKey('finance')
    await keys.newKey('spare')
    await s3.send(new CreateBucketCommand({ Bucket: 'plain' }))
    await s3.send(new CreateBucketCommand({ Bucket: 'sealed' }))
    const to = { encryption: 'customer-managed', rootKeyCrn: key.crn }
    await keys.call('PUT', '/admin/v1/buckets/sealed/encryption', to)
    await s3.send(new PutObjectCommand({ Bucket: 'plain', Key: 'k', Body: 'plain' }))
    await s3.send(new PutObjectCommand({ Bucket: 'sealed', Key: 'k', Body: 'sealed bytes' }))
    await vi.waitFor(async () =>
      expect(await overview()).toMatchObject({
        buckets: { total: 2, byState: { open: 2, locked: 0, refused: 0 } },
        stored: { providerManaged: { objects: 1, bytes: 5 }, customerManaged: { objects: 1, bytes: 12 } },
        rootKeys: { total: 2, byState: { active: 2 } },
        ...{ closed: [], problems: [], scrub: { state: expect.any(String) } },
      }),
    )

    await keys.act(key.id, 'disable')
    await vi.waitFor(async () =>
      expect(await overview()).toMatchObject({
        buckets: { byState: { open: 1, refused: 1 } },
        rootKeys: { byState: { active: 1, suspended: 1 } },
        closed: [
          {
            ...{ bucket: 'sealed', state: 'refused' },
            rootKeys: [{ crn: key.crn, name: 'finance', state: 'suspended', cause: 'RootKeyDisabled' }],
          },
        ],
      }),
    )
    expect(await overview(stranger)).toMatchObject({ buckets: { total: 0 }, rootKeys: { total: 0 }, closed: [] })
    await keys.act(key.id, 'enable')
    await vi.waitFor(async () => expect(await overview()).toMatchObject({ closed: [] }))
  })

  it('is followed by samples of what goes on', async () => {
    await (await s3.send(new GetObjectCommand({ Bucket: 'plain', Key: 'k' }))).Body?.transformToString()
    await expect(s3.send(new GetObjectCommand({ Bucket: 'plain', Key: 'missing' }))).rejects.toThrow()
    const { status, json } = await keys.call('GET', '/admin/v1/samples')
    expect(status).toBe(200)
    const { at, ...columns } = json.minutes
    expect(Date.parse(json.since)).toBeLessThanOrEqual(Date.now())
    expect(Object.values<unknown[]>(columns).map(({ length }) => length)).toEqual(
      Array.from(Object.keys(columns), () => at.length),
    )
    const sum = (name: string) => columns[name].reduce((total: number, one: number) => total + one, 0)
    expect([sum('requests') >= 4, sum('refused') >= 1, sum('receivedBytes') > 0]).toEqual([true, true, true])
    expect(columns.p50Ms.at(-1)).toBeGreaterThan(0)
    expect(json.stored.at(-1)).toMatchObject({ providerManaged: { objects: 1, bytes: 5 } })
    const theirs = await stranger.call('GET', '/admin/v1/samples')
    expect([theirs.status, theirs.json.stored]).toEqual([200, undefined])
    expect((await keys.call('GET', '/admin/v1/samples?after=yesterday')).status).toBe(400)
  })
})
