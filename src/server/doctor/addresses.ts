import { lookup } from 'node:dns/promises'
import type { Config } from '../settings.ts'
import { type Check, type Finding, finding } from './finding.ts'

const TIMEOUT_MS = 5000
const publicUrl = finding('public URL')
const names = finding('host names')

/** What clients are told to call: it is tried as they would, from here, while the server runs. */
export const addresses: Check = async ({ config, running }) => {
  const isRunning = !['absent', 'unknown'].includes(running.state)
  const urls = [
    ...(isRunning ? [reaches(config, 's3.public-url')] : []),
    // Without a certificate of a client nothing is told there.
    ...(isRunning && config['control.client-ca-file'] === undefined ? [reaches(config, 'control.public-url')] : []),
  ]
  const domains = [...config['s3.domain'], ...config['s3.website-domain']]
  return (await Promise.all([...urls, ...domains.map(resolves)])).flat()
}

/** Each listener says something of its own, also to whoever has no credentials. */
const SIGNS = {
  's3.public-url': { path: '/', header: 'x-amz-request-id', meant: 'the S3 listener' },
  'control.public-url': { path: '/health/live', header: undefined, meant: 'the control listener' },
} as const

async function reaches(config: Config, setting: keyof typeof SIGNS): Promise<readonly Finding[]> {
  const url = config[setting]
  if (url === undefined) return []
  const { path, header, meant } = SIGNS[setting]
  try {
    const reply = await fetch(`${url}${path}`, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
    await reply.body?.cancel()
    const isOurs = header === undefined ? reply.status === 200 : reply.headers.has(header)
    if (isOurs) return [publicUrl.ok(`${url} reaches ${meant}`)]
    return [
      publicUrl.problem(
        `${url} answers with ${reply.status}, and not as ${meant} does`,
        `have the proxy there hand everything on to ${meant}, path and Host as they are; or correct ${setting}`,
      ),
    ]
  } catch (error) {
    // From elsewhere it may be reached all the same: by another name server, round a router.
    return [
      publicUrl.warning(
        `${url} cannot be reached from here: ${reasonOf(error)}`,
        `try it from where clients are: curl -i ${url}${path}; correct ${setting}, the name, the certificate or the proxy`,
      ),
    ]
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message
}

/** A bucket is a subdomain: each name of that kind has to have an address. */
async function resolves(domain: string): Promise<readonly Finding[]> {
  const name = `any-bucket.${domain}`
  const found = await lookup(name).catch(() => undefined)
  return found
    ? [names.ok(`*.${domain} has an address: ${found.address}`)]
    : [
        names.warning(
          `${name} has no address: clients that put the bucket in front of the host do not find it`,
          `add a record for *.${domain} to its name server, or have clients use path-style addresses`,
        ),
      ]
}
