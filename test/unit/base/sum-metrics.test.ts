import { expect, it } from 'vitest'
import { counting, timing } from '../../../src/observe/metrics.ts'
import { summed } from '../../../src/observe/sum-metrics.ts'

it('adds up what has the same name and labels, and leaves what only one has', () => {
  const thread = (operations: readonly string[]) => {
    const requests = counting({ name: 'requests_total', help: 'Requests.', labels: ['operation'] })
    const seconds = timing({ name: 'seconds', help: 'Seconds.', labels: ['operation'] })
    for (const operation of operations) {
      requests.add(1, operation)
      seconds.observe(0.01, operation)
    }
    return [requests.read(), seconds.read()]
  }
  const [requests, seconds] = summed([thread(['get', 'put']), thread(['get', 'get', 'list'])])
  expect(requests?.samples).toEqual([
    { labels: { operation: 'get' }, value: 3 },
    { labels: { operation: 'put' }, value: 1 },
    { labels: { operation: 'list' }, value: 1 },
  ])
  expect(seconds).toEqual(thread(['get', 'put', 'get', 'get', 'list'])[1])
})
