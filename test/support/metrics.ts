import { expect } from 'vitest'

/** Every line of what Prometheus would read, by its name with its labels. */
export async function readMetrics({ controlUrl }: { readonly controlUrl: string }): Promise<Record<string, number>> {
  const reply = await fetch(`${controlUrl}/metrics`)
  expect(reply.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const lines = (await reply.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}
