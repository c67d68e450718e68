import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyOwner } from './keys.ts'
import { type RawS3Request, sendRaw, signRaw, startRaw } from './raw-s3.ts'

/** How a root key is taken away and given back. */
export const KILL_SWITCHES = ['disable', 'delete', 'withdraw authorization'] as const
export type KillSwitch = (typeof KILL_SWITCHES)[number]

/** Milliseconds since the key service had answered the call that took the key away, or gave it back. */
export interface KillSwitchTimes {
  /** The last read that was served began so late; negative when that was before. */
  readonly lastReadMs: number
  readonly lastWriteMs: number
  /** The end of a running download, and of one whose client reads nothing any more. */
  readonly runningEndedMs: number
  readonly stalledEndedMs: number
  /** The first read, after the key was given back. */
  readonly servedAgainMs: number
}

export interface KillSwitchStore {
  readonly s3Url: string
  readonly bucket: string
}

const LARGE_BYTES = 96 * 1024 * 1024
const LARGE = 'large'
const SMALL = 'small'
const POLL_MS = 20
const WATCH_MS = 6_000
const RUNNING_CHUNK_BYTES = 64 * 1024
const RUNNING_PAUSE_MS = 8

/** A bucket under the key with a small and a large object. */
export async function fillBucket({ s3Url, bucket }: KillSwitchStore, rootKeyCrn: string): Promise<void> {
  const headers = {
    'ibm-sse-kp-encryption-algorithm': 'AES256',
    'ibm-sse-kp-customer-root-key-crn': rootKeyCrn,
  }
  const put = async (request: Pick<RawS3Request, 'path' | 'body' | 'headers'>): Promise<void> => {
    const { status, code } = await sendRaw(s3Url, { method: 'PUT', ...request })
    if (status !== 200) throw new Error(`PUT ${request.path} answered ${status} ${code}`)
  }
  await put({ path: `/${bucket}`, headers })
  await put({ path: `/${bucket}/${SMALL}`, body: 'small' })
  await put({ path: `/${bucket}/${LARGE}`, body: Buffer.alloc(LARGE_BYTES) })
}

/** Throws the switch while every store reads, writes and sends, and gives the key back; the times of each store. */
export async function throwSwitch(
  how: KillSwitch,
  keys: KeyOwner,
  keyId: string,
  stores: readonly KillSwitchStore[],
): Promise<readonly KillSwitchTimes[]> {
  const watches = await Promise.all(stores.map((store) => watch(store)))
  // In the middle of whatever the stores know of the key.
  await sleep(Math.random() * 2000)
  const giveBack = await takeAway(how, keys, keyId)
  const takenMs = performance.now()
  await sleep(WATCH_MS)
  const closed = await Promise.all(watches.map((one) => one.end()))
  await giveBack()
  const givenMs = performance.now()
  const again = await Promise.all(stores.map(firstRead))
  return closed.map((times, index) => ({
    lastReadMs: times.lastReadAt - takenMs,
    lastWriteMs: times.lastWriteAt - takenMs,
    runningEndedMs: times.runningEndedAt - takenMs,
    stalledEndedMs: times.stalledEndedAt - takenMs,
    servedAgainMs: (again[index] ?? Number.POSITIVE_INFINITY) - givenMs,
  }))
}

async function takeAway(how: KillSwitch, keys: KeyOwner, keyId: string): Promise<() => Promise<unknown>> {
  if (how === 'withdraw authorization') return keys.withdrawAuthorizations()
  if (how === 'delete') {
    await keys.remove(keyId)
    return () => keys.restore(keyId)
  }
  await keys.act(keyId, 'disable')
  return () => keys.act(keyId, 'enable')
}

async function watch(store: KillSwitchStore) {
  const running = await download(store)
  const stalled = await download(store)
  const stopping = new AbortController()
  const readAt = poll(stopping.signal, () => isServed(store, { method: 'GET', path: `/${store.bucket}/${SMALL}` }))
  const writeAt = poll(stopping.signal, () =>
    isServed(store, { method: 'PUT', path: `/${store.bucket}/written`, body: 'x' }),
  )
  const runningEnd = readOn(running.incoming)
  const stalledEnd = gone(stalled.ports, stopping.signal)
  return {
    end: async () => {
      stopping.abort()
      running.incoming.destroy()
      stalled.incoming.destroy()
      return {
        lastReadAt: await readAt,
        lastWriteAt: await writeAt,
        runningEndedAt: await runningEnd,
        stalledEndedAt: await stalledEnd,
      }
    },
  }
}

/** When the last request that was served began. */
async function poll(signal: AbortSignal, isServed: () => Promise<boolean>): Promise<number> {
  let lastAt = Number.NEGATIVE_INFINITY
  while (!signal.aborted) {
    const beganAt = performance.now()
    if (await isServed()) lastAt = beganAt
    await sleep(POLL_MS)
  }
  return lastAt
}

const isServed = async ({ s3Url }: KillSwitchStore, request: RawS3Request): Promise<boolean> => {
  try {
    return (await sendRaw(s3Url, request)).status === 200
  } catch {
    return false
  }
}

async function firstRead(store: KillSwitchStore): Promise<number> {
  while (!(await isServed(store, { method: 'GET', path: `/${store.bucket}/${SMALL}` }))) await sleep(POLL_MS)
  return performance.now()
}

async function download({ s3Url, bucket }: KillSwitchStore) {
  const outgoing = startRaw(s3Url, signRaw(s3Url, { method: 'GET', path: `/${bucket}/${LARGE}` }))
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  if (incoming.statusCode !== 200) throw new Error(`GET answered ${incoming.statusCode}`)
  incoming.on('error', () => {})
  const { localPort = 0, remotePort = 0 } = incoming.socket
  return { incoming, ports: [localPort, remotePort] }
}

/** Reads at a steady pace that would take longer than anybody watches; when it ended before its end. */
async function readOn(incoming: IncomingMessage): Promise<number> {
  let since = 0
  try {
    for await (const chunk of incoming) {
      since += chunk.length
      if (since < RUNNING_CHUNK_BYTES) continue
      since = 0
      await sleep(RUNNING_PAUSE_MS)
    }
  } catch {
    return performance.now()
  }
  return Number.POSITIVE_INFINITY
}

/**
 * When the kernel no longer has a connection between these ports: who reads nothing is not told otherwise. The port of a client may be
 * that of another one, too, who asks another server.
 */
async function gone(ports: readonly number[], signal: AbortSignal): Promise<number> {
  const [from = '', to = ''] = ports.map((port) => `:${port.toString(16).toUpperCase().padStart(4, '0')} `)
  while (!signal.aborted) {
    const connections = await readFile('/proc/net/tcp', 'latin1')
    // ESTABLISHED is 01.
    const open = connections.split('\n').some((line) => line.includes(from) && line.includes(to) && / 01 /.test(line))
    if (!open) return performance.now()
    await sleep(POLL_MS)
  }
  return Number.POSITIVE_INFINITY
}
