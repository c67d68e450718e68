import { type IncomingMessage, get as plainGet } from 'node:http'
import { get } from 'node:https'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { askHost } from '../host-socket.ts'
import type { Config } from '../settings.ts'
import type { RunningServer } from './finding.ts'
import { HEALTH, HEALTH_PATH } from './health-route.ts'

const ANSWER = z.object({ status: z.string(), problems: z.array(z.string()).default([]) })
const TIMEOUT_MS = 3000
const CERTIFICATE_WANTED = /^(ERR_SSL_.*|ECONNRESET|EPIPE)$/

/** How the server of the data directory is, or else whoever listens at the address of these settings. */
export async function askRunning(config: Config): Promise<RunningServer> {
  return (await askOwner(resolve(config['data-dir']))) ?? (await askListener(config))
}

/** Undefined when none has it, or whoever asks may not ask it. */
async function askOwner(dataDir: string): Promise<RunningServer | undefined> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const reply = await askHost(dataDir, { method: 'GET', path: HEALTH_PATH, signal })
    if (reply === undefined) return undefined
    const { ok, problems, control } = HEALTH.parse(JSON.parse(await text(reply)))
    return { state: ok ? 'ready' : 'not-ready', problems, control }
  } catch {
    return undefined
  }
}

async function askListener(config: Config): Promise<RunningServer> {
  const { host, port } = config['control.listen']
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  const path = `//${name.includes(':') ? `[${name}]` : name}:${port}/health/ready`
  const isTls = config['tls.certificate-file'] !== undefined
  const answered = Promise.withResolvers<IncomingMessage>()
  const options = { agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) } as const
  // Nothing is said that is secret, and the certificate is looked at by a check of its own.
  const asked = isTls
    ? get(`https:${path}`, { ...options, rejectUnauthorized: false }, answered.resolve)
    : plainGet(`http:${path}`, options, answered.resolve)
  asked.on('error', answered.reject)
  try {
    const reply = await answered.promise
    const { problems } = ANSWER.parse(JSON.parse(await text(reply)))
    return { state: reply.statusCode === 200 ? 'ready' : 'not-ready', problems }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ECONNREFUSED') return { state: 'absent', problems: [] }
    // The one answer to who shows no certificate: the end of the handshake.
    const isGuarded = config['control.client-ca-file'] !== undefined && CERTIFICATE_WANTED.test(String(code))
    return { state: isGuarded ? 'guarded' : 'unknown', problems: [] }
  }
}
