import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { ListBucketsCommand } from '@aws-sdk/client-s3'
import { freePort } from '../../test/support/free-port.ts'
import { s3ClientFor } from '../../test/support/s3.ts'
import { peers } from '../peers/all.ts'
import type { Peer, PeerPlace, ProcessOptions } from '../peers/peer.ts'
import { descendantsOf, killAll } from './descendants.ts'
import type { Endpoint } from './plan.ts'

export interface PeerProcess extends AsyncDisposable {
  readonly peer: Peer
  readonly endpoint: Endpoint
  readonly dir: string
  /** Of every process of the peer, those it started itself too. */
  readonly pids: () => readonly number[]
}

const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 15_000
const REGION = 'us-east-1'

export const executableOf = (peersDir: string, { folder, executable }: Peer): string =>
  path.resolve(peersDir, folder, executable)

export const installed = (peersDir: string, peer: Peer): boolean =>
  statSync(executableOf(peersDir, peer), { throwIfNoEntry: false }) !== undefined

/** `all` stands for every peer that is installed. */
export function peersNamed(names: string, peersDir: string | undefined): { peersDir: string; chosen: readonly Peer[] } {
  if (!peersDir) throw new Error('say where the peers are: --peers-dir, or COFFER_BENCH_PEERS_DIR')
  if (names === 'all') return { peersDir, chosen: peers.filter((peer) => installed(peersDir, peer)) }
  const chosen = names.split(',').map((name) => {
    const peer = peers.find((one) => one.name === name)
    if (!peer) throw new Error(`there is no peer ${name}; there are ${peers.map((one) => one.name).join(', ')}`)
    if (!installed(peersDir, peer)) throw new Error(`${name} is not in ${peersDir}: ${peer.obtain}`)
    return peer
  })
  return { peersDir, chosen }
}

/** Resolves when the peer answers a signed request. Its data is in `<home>/<name>`, until it is stopped. */
export async function startPeer(peer: Peer, peersDir: string, home: string): Promise<PeerProcess> {
  const dir = path.join(home, peer.name)
  await mkdir(dir)
  const logFile = path.join(dir, 'output')
  const log = openSync(logFile, 'a')
  const children: ChildProcess[] = []
  const told = (): string => readFileSync(logFile, 'utf8').slice(-4000)
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await stopTree(child)
    closeSync(log)
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
  const spawned = ({ cwd = dir, env = {} }: ProcessOptions = {}) => ({ cwd, env: { ...bareEnvironment(dir), ...env } })
  const until: PeerPlace['until'] = async (what, check) => {
    const deadline = performance.now() + READY_TIMEOUT_MS
    while (!(await check().catch(() => false))) {
      const gone = children.some((child) => child.exitCode !== null || child.signalCode !== null)
      if (gone || performance.now() > deadline) throw new Error(`${peer.name}: no ${what}:\n${told()}`)
      await sleep(100)
    }
  }
  const place: PeerPlace = {
    dir,
    executable: executableOf(peersDir, peer),
    accessKeyId: `GK${randomBytes(12).toString('hex')}`,
    secretAccessKey: randomBytes(32).toString('hex'),
    ...peer.credentials,
    region: REGION,
    freePort,
    serve: (command, args, options) => {
      const child = spawn(command, args, { stdio: ['ignore', log, log], ...spawned(options) })
      child.on('error', (error) => console.error(`${peer.name}: ${error.message}`))
      children.push(child)
    },
    run: async (command, args, options) => (await promisify(execFile)(command, [...args], spawned(options))).stdout,
    until,
  }
  try {
    const authority = await peer.start(place)
    const endpoint = { ...place, authority }
    const client = s3ClientFor({ s3Url: `http://${authority}`, ...place })
    await until('answer to a signed request', async () => {
      await client.send(new ListBucketsCommand())
      return true
    })
    const roots = children.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
    return { peer, endpoint, dir, pids: () => roots.flatMap(descendantsOf), [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Nothing of the caller's settings: a peer has only those that are written down here. */
const bareEnvironment = (dir: string): Record<string, string> => ({ PATH: process.env['PATH'] ?? '', HOME: dir })

async function stopTree(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  const all = descendantsOf(child.pid)
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(timer)
  killAll(all.slice(1))
}
