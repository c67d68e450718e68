import { expect, it } from 'vitest'
import { exposition } from '../../../src/observe/exposition.ts'
import { byLabel, counting, summed, timing } from '../../../src/observe/metrics.ts'

const requests = () => counting({ name: 'r_total', help: 'Requests.', labels: ['operation', 'status'] })

it('a counter counts each combination of its labels', () => {
  const { add, read } = requests()
  add(1, 'GetObject', '200')
  add(2, 'GetObject', '404')
  add(1, 'GetObject', '200')
  expect(exposition([read()])).toBe(
    [
      '# HELP r_total Requests.',
      '# TYPE r_total counter',
      'r_total{operation="GetObject",status="200"} 2',
      'r_total{operation="GetObject",status="404"} 2',
      '',
    ].join('\n'),
  )
})

it('a histogram is cumulative, ends with infinity, and its sum and count are those of all', () => {
  const { observe, read } = timing({ name: 't_seconds', help: 'Times.', labels: ['operation'] })
  for (const seconds of [0.0004, 0.0005, 0.3, 1000]) observe(seconds, 'PutObject')
  const text = exposition([read()])
  const bucket = (le: string) =>
    new RegExp(`^t_seconds_bucket\\{operation="PutObject",le="${le}"\\} (\\d+)$`, 'm').exec(text)?.[1]
  expect([bucket('0.0005'), bucket('0.25'), bucket('0.5'), bucket('300'), bucket('\\+Inf')]).toEqual([
    '2',
    '2',
    '3',
    '3',
    '4',
  ])
  expect(text).toContain('t_seconds_sum{operation="PutObject"} 1000.3009')
  expect(text).toContain('t_seconds_count{operation="PutObject"} 4\n')
})

it('text is escaped as the format wants it, and what has no labels has no braces', () => {
  const labels = { of: 'a "b" \\ c\nd' }
  const text = exposition([
    {
      name: 'g',
      help: 'One \\ two\nthree.',
      type: 'gauge',
      samples: [
        { labels, value: 1.5 },
        { labels: {}, value: 0 },
      ],
    },
  ])
  expect(text).toBe('# HELP g One \\\\ two\\nthree.\n# TYPE g gauge\ng{of="a \\"b\\" \\\\ c\\nd"} 1.5\ng 0\n')
})

it('what several threads counted is added up', () => {
  const threads = [requests(), requests()]
  for (const { add } of threads) add(1, 'GetObject', '200')
  threads[1]?.add(5, 'PutObject', '200')
  const times = [0.001, 4].map((seconds) => {
    const { observe, read } = timing({ name: 't_seconds', help: 'Times.', labels: ['operation'] })
    observe(seconds, 'GetObject')
    return read()
  })
  const [counter, histogram, ...rest] = summed([...threads.map(({ read }) => read()), ...times])
  expect(rest).toEqual([])
  expect(counter?.samples).toEqual([
    { labels: { operation: 'GetObject', status: '200' }, value: 2 },
    { labels: { operation: 'PutObject', status: '200' }, value: 5 },
  ])
  expect(exposition(histogram ? [histogram] : [])).toContain('t_seconds_count{operation="GetObject"} 2')
})

it('a record is a sample for each of its members', () => {
  expect(byLabel('state', { open: 2, locked: 0 })).toEqual([
    { labels: { state: 'open' }, value: 2 },
    { labels: { state: 'locked' }, value: 0 },
  ])
})
