import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { startKeysHalf } from '../support/keys-half.ts'
import { readMetrics } from '../support/metrics.ts'
import { refusal } from '../support/object-house.ts'
import { makeBucket } from '../support/s3.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const audited = async (dataDir: string, action: string): Promise<{ key?: string; iamId?: string }[]> => {
  const directory = join(dataDir, 'audit')
  const files = (await readdir(directory)).filter((name) => name.endsWith('.jsonl'))
  const lines = (await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')))).join('').split('\n')
  return lines.filter((line) => line.includes(`"${action}"`)).map((line) => JSON.parse(line))
}
const TITLE =
  'a root key elsewhere that nears its limit gives way to a bucket key, and operator, metrics and audit log hear of it'
it.each(['1', '2'])(`${TITLE}, whichever thread wraps (threads: %s)`, async (threads) => {
  await using home = await temporaryDirectory()
  await using half = await startKeysHalf({ directory: home.path })
  await using place = await temporaryDirectory()
  const house = {
    directory: place.path,
    settings: { ...half.settings, COFFER_S3_WRAP_LIMIT: '64', COFFER_S3_THREADS: threads },
  }
  const test = await startHouse(house)
  const s3 = test.client()
  const keys = await keyOwner(half.server.controlUrl)
  const store = await keyOwner(test.controlUrl)
  onTestFinished(() => s3.destroy())
  const key = await keys.newKey('seldom')
  await makeBucket(s3, 'seldom', key.crn)
  const to = { encryption: 'customer-managed', rootKeyCrn: key.crn, bucketKey: false }
  expect((await store.call('PUT', '/admin/v1/buckets/seldom/encryption', to)).status).toBeLessThan(300)
  await test.house.objects.rewraps.idle()
  const slotsOf = () => test.house.objects.buckets.get('seldom').slots.map(({ kind }) => kind)
  expect(slotsOf()).toEqual(['root'])
  for (let at = 0; at < 80; at++) {
    const put = new PutObjectCommand({ Bucket: 'seldom', Key: `k${at}`, Body: `${at}` })
    expect(await refusal(s3.send(put))).toBe('200')
  }
  await vi.waitFor(() => expect(slotsOf()).toEqual(['bucket-key']), { timeout: 20_000, interval: 50 })
  expect(await readMetrics(test)).toMatchObject({
    'coffer_wrap_budgets{state="near"}': 1,
    'coffer_wrap_budgets{state="spent"}': 0,
    'coffer_buckets{state="locked"}': 0,
    // A cache stands before what is counted, and a bucket key before that.
    'coffer_key_calls_total{call="wrap",provider="elsewhere",where="elsewhere"}': expect.toSatisfy(
      (wraps: number) => wraps >= 56 && wraps < 110,
    ),
  })
  expect(await audited(test.dataDir, 'store.wrap-budget.near')).toMatchObject([{ key: key.crn, iamId: 'coffer' }])
  for (const at of [0, 40, 79]) {
    const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: 'seldom', Key: `k${at}` }))
    expect(await body?.transformToString()).toBe(`${at}`)
  }
  const told = await store.call('GET', `/admin/v1/keys/usage?crn=${encodeURIComponent(key.crn)}`)
  expect(told.json.wrapBudgets).toMatchObject([{ state: 'near' }])
  await test[Symbol.asyncDispose]()
  // After a restart it is told before anything is wrapped again.
  await using again = await startHouse(house)
  expect(await readMetrics(again)).toMatchObject({ 'coffer_wrap_budgets{state="near"}': 1 })
  const after = await keyOwner(again.controlUrl)
  const still = await after.call('GET', `/admin/v1/keys/usage?crn=${encodeURIComponent(key.crn)}`)
  expect(still.json.wrapBudgets).toMatchObject([{ state: 'near' }])
  expect(still.json.wrapBudgets[0].wraps).toBeGreaterThanOrEqual(told.json.wrapBudgets[0].wraps)
})
