import { setTimeout as wait } from 'node:timers/promises'
import { cachedProvider } from '../src/envelope/cached-provider.ts'
import { bodyOf, plain, readAll, testEngine } from '../test/support/engine.ts'

// What bucket keys save: calls of a key service in another place, per 1,000 operations (puts, gets and listings in equal
// numbers), and what they cost in this process. The engine stands over memory, so nothing but keys and sealing is measured.

const SECONDS = Number(process.env['SECONDS'] ?? 20)
const CLIENTS = 32
const DELAY_MS = 3
const KEPT = 64

async function calls(bucketKey: boolean, perSecond: number): Promise<string> {
  const { objects, kms, newBucket } = await testEngine({
    provider: (inner) => {
      const far =
        <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
        async (...args: A): Promise<R> => {
          await wait(DELAY_MS)
          return call(...args)
        }
      const { wrap, unwrap, permit } = inner
      return cachedProvider({
        ...inner,
        wrapPermitsUnwrap: true,
        wrap: far(wrap),
        unwrap: far(unwrap),
        permit: far(permit),
      })
    },
  })
  const bucket = await objects.createBucket({ ...newBucket, bucketKey })
  for (let at = 0; at < KEPT; at++) await objects.put({ bucket, key: `k${at}`, body: bodyOf('x'), ...plain })
  kms.calls.length = 0
  const end = performance.now() + SECONDS * 1000
  let done = 0
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const operation = done++
      const key = `k${operation % KEPT}`
      if (operation % 3 === 0) await objects.put({ bucket, key, body: bodyOf('x'.repeat(200)), ...plain })
      else if (operation % 3 === 1) await readAll(objects, bucket, key)
      else await objects.list({ bucket, prefix: '', delimiter: '', after: '', limit: 10 })
      if (perSecond > 0) await wait(Math.max(0, ((CLIENTS * 1000) / perSecond) * (0.5 + Math.random())))
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  await objects.close()
  const per = (name: string): string =>
    ((kms.calls.filter((call) => call.startsWith(name)).length * 1000) / done).toFixed(2)
  return `${Math.round(done / SECONDS)} operations a second: wrap ${per('wrap')}, unwrap ${per('unwrap')}, permit ${per('permit')}, all ${per('')}`
}

async function cost(bucketKey: boolean): Promise<string> {
  const { objects, newBucket } = await testEngine({ provider: (inner) => cachedProvider(inner, { permitMs: 0 }) })
  const bucket = await objects.createBucket({ ...newBucket, bucketKey })
  const rounds = 4000
  const cpu = async (work: (at: number) => Promise<unknown>): Promise<string> => {
    const before = process.cpuUsage()
    for (let at = 0; at < rounds; at++) await work(at)
    const { user, system } = process.cpuUsage(before)
    return ((user + system) / rounds).toFixed(0)
  }
  const put = await cpu((at) => objects.put({ bucket, key: `k${at}`, body: bodyOf('x'), ...plain }))
  // Each DEK for the first time: none is in the cache.
  const get = await cpu(async (at) => (await objects.open({ bucket, key: `k${at}` }))[Symbol.dispose]())
  await objects.close()
  return `put of 1 byte ${put} µs, cold open ${get} µs of CPU`
}

for (const bucketKey of [false, true]) {
  const how = bucketKey ? 'with a bucket key' : 'without'
  process.stdout.write(`${how}: ${await cost(bucketKey)}\n`)
  for (const perSecond of [0, 1000, 100]) {
    process.stdout.write(`${how}, provider calls per 1,000 at ${await calls(bucketKey, perSecond)}\n`)
  }
}
