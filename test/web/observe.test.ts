import { readFile } from 'node:fs/promises'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumPath, expectNoFaults, expectWellMade, startWebHouse, type WebHouse } from './support.ts'

describe.skipIf(chromiumPath === undefined)('what the console shows of what goes on', () => {
  let house: WebHouse
  beforeAll(async () => {
    house = await startWebHouse({
      settings: {
        COFFER_S3_WEBHOOKS: 'orders=https://hooks.example.com:8443/s3cret-path',
        COFFER_S3_WEBHOOK_TOKEN: 's3cret-token',
        COFFER_S3_NATS_TARGETS: 'jobs=nats://nats.example.com:4222/events.jobs',
      },
    })
    const client = house.test.client()
    await client.send(new CreateBucketCommand({ Bucket: 'seen' }))
    await client.send(new PutObjectCommand({ Bucket: 'seen', Key: '2026/a.txt', Body: 'x'.repeat(50_000) }))
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'seen', Key: '2026/a.txt' }))
    await Body?.transformToByteArray()
  })
  afterAll(() => house[Symbol.asyncDispose]())

  it('is well made: activity, metrics, settings', async () => {
    await expectWellMade(house, '/ui/activity', 'activity', (page) =>
      page.getByText('seen/2026/a.txt').first().waitFor(),
    )
    await expectWellMade(house, '/ui/metrics', 'metrics', (page) =>
      page.getByRole('img', { name: /Requests to S3/ }).waitFor(),
    )
    await expectWellMade(house, '/ui/settings', 'settings', (page) =>
      page.getByText('Everything is as it should be').waitFor(),
    )
  })

  it('shows in the settings what provider-managed buckets lie under, and whom buckets can notify, but no secret', async () => {
    const page = await house.open('/ui/settings')
    const main = page.getByRole('main')
    await main.getByText('1 object, 50.0 kB').waitFor()
    await main.getByText(/crn:v1:.*:kms:.*:key:/).waitFor()
    await main.getByText('hooks.example.com:8443').waitFor()
    await main.getByText('nats.example.com:4222').waitFor()
    await main.getByRole('button', { name: 'Copy the ARN of orders' }).waitFor()
    expect(await page.content()).not.toContain('s3cret')
    expectNoFaults(page)
    await page.context().close()
  })

  it('leads from the settings to what is set elsewhere', async () => {
    const page = await house.open('/ui/settings')
    const main = page.getByRole('main')
    for (const [link, heading] of [
      ['Quotas', 'Buckets'],
      ['Key providers', 'Key providers'],
      ['API documents', 'API docs'],
    ] as const) {
      await main.getByRole('link', { name: link, exact: true }).click()
      await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
      await page.goBack()
    }
    expectNoFaults(page)
    await page.context().close()
  })

  it('filters the audit log by its address, opens a line, and hands it out as lines of JSON', async () => {
    const page = await house.open('/ui/activity')
    await page.getByRole('searchbox', { name: 'What' }).fill('2026/a.txt')
    await expect.poll(() => new URL(page.url()).searchParams.get('what')).toBe('2026/a.txt')
    await page.getByText('2 entries').waitFor()
    await page.getByRole('button', { name: 'read', exact: true }).click()
    const drawer = page.getByRole('dialog', { name: 'Main user read' })
    await drawer.getByText('s3.GetObject').waitFor()
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'detached' })
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Export NDJSON' }).click()
    const lines = (await readFile(await (await download).path(), 'utf8')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).action)).toEqual(['s3.PutObject', 's3.GetObject'])
    expectNoFaults(page)
  })

  it('follows the audit log while somebody looks', async () => {
    const page = await house.open('/ui/activity?what=fresh.txt')
    await page.getByText('Nothing of that kind').waitFor()
    await page.getByRole('button', { name: 'Follow' }).click()
    await house.test.client().send(new PutObjectCommand({ Bucket: 'seen', Key: 'fresh.txt', Body: 'x' }))
    await page.locator('td.minor').getByText('seen/fresh.txt').waitFor()
    await page.getByRole('button', { name: 'Live' }).click()
    expect(new URL(page.url()).searchParams.has('live')).toBe(false)
    expectNoFaults(page)
  })

  it('draws no fall to nothing in the minute that has only begun', async () => {
    const page = await house.open('/ui/settings')
    await page.route(/\/admin\/v1\/samples/, async (route) => {
      const answer = await route.fetch()
      const samples = await answer.json()
      const at = [0, 1, 2, 3].map((minute) => 1_790_000_000 + minute * 60)
      const columns = Object.keys(samples.minutes).map((name) => [name, [60, 60, 60, 0]])
      await route.fulfill({ response: answer, json: { ...samples, minutes: { ...Object.fromEntries(columns), at } } })
    })
    await page.getByRole('link', { name: 'Metrics', exact: true }).click()
    const line = page.getByRole('img', { name: /Requests to S3/ }).locator('.line-dek')
    const heights = [...String(await line.getAttribute('d')).matchAll(/ ([\d.]+)/g)].map(([, y]) => y)
    expect([heights.length, new Set(heights).size]).toEqual([3, 1])
    await page.context().close()
  })

  it('counts what S3 served', async () => {
    const page = await house.open('/ui/metrics')
    const requests = page.locator('.stat').filter({ hasText: 'requests' })
    await requests.waitFor()
    expect(Number(await requests.locator('b').textContent())).toBeGreaterThanOrEqual(3)
    await page.getByRole('button', { name: '24 h' }).click()
    await expect.poll(() => new URL(page.url()).searchParams.get('span')).toBe('day')
    await page.getByRole('img', { name: /Bytes by the minute: .* received/ }).waitFor()
    expectNoFaults(page)
  })
})
