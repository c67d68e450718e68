import { type IncomingMessage, get as plainGet } from 'node:http'
import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import type { Config } from '../settings.ts'
import type { RunningServer } from './finding.ts'

const ANSWER = z.object({ status: z.string(), problems: z.array(z.string()).default([]) })
const TIMEOUT_MS = 3000
const CERTIFICATE_WANTED = /^(ERR_SSL_.*|ECONNRESET|EPIPE)$/

/** Asks the control listener of these settings, at its own address, how it is. */
export async function askRunning(config: Config): Promise<RunningServer> {
  const { host, port } = config['control.listen']
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  const path = `//${name.includes(':') ? `[${name}]` : name}:${port}/health/ready`
  const isTls = config['tls.certificate-file'] !== undefined
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const options = { agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) } as const
  // Nothing is said that is secret, and the certificate is looked at by a check of its own.
  const asked = isTls
    ? get(`https:${path}`, { ...options, rejectUnauthorized: false }, resolve)
    : plainGet(`http:${path}`, options, resolve)
  asked.on('error', reject)
  try {
    const reply = await promise
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
