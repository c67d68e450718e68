import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { type Environment, given, processEnvironment } from '../environment.ts'
import { listOf, parsed } from '../json.ts'
import { openServer, type Server } from '../server.ts'
import { countText } from '../units.ts'
import { type Finding, failed, ok, problem, warning } from './finding.ts'
import { keys, providers } from './key-checks.ts'
import { background, backups, buckets, rights, uploads } from './store-checks.ts'

const SKEW_MS = 60_000
/** A signature holds no longer. */
const MOST_SKEW_MS = 15 * 60_000

/** What a running server tells whoever the environment or the profile names. */
export async function askOnline(environment: Environment = processEnvironment()): Promise<readonly Finding[]> {
  const server = await openServer(environment, undefined, AbortSignal.timeout(600_000))
  try {
    const found: Finding[] = []
    for (const [check, ask] of CHECKS)
      found.push(...(await ask(server).catch((error: unknown) => [failed(check, error, server)])))
    return [...found, ...(await clients(environment, server))]
  } finally {
    server.dispose()
  }
}

async function health(server: Server): Promise<readonly Finding[]> {
  const { status, headers, body } = await server.open('GET', '/health/ready')
  const answer = parsed(body)
  const problems = listOf(answer, 'problems').map((one) =>
    problem('server', String(one), 'its log says more; docs/metrics.md has what to watch'),
  )
  const isReady = status === 200 && problems.length === 0
  const serverMs = Date.parse(String(headers['date']))
  const skewMs = Math.abs(Date.now() - serverMs)
  return [
    ...problems,
    ...(isReady ? [ok('server', `${server.controlUrl} is ready`)] : []),
    ...(status !== 200 && problems.length === 0
      ? [problem('server', `${server.controlUrl} is not ready`, 'its log says why')]
      : []),
    Number.isNaN(serverMs) || skewMs < SKEW_MS
      ? ok('clock', 'it agrees with that of the server')
      : (skewMs < MOST_SKEW_MS ? warning : problem)(
          'clock',
          `it is ${Math.round(skewMs / 1000)} s away from that of the server; signatures hold for 15 minutes`,
          'timedatectl set-ntp true, on both',
        ),
  ]
}

async function credentials(server: Server): Promise<readonly Finding[]> {
  const { name, iamId } = await server.identity()
  const { Buckets: buckets = [] } = await (await server.s3()).listBuckets({})
  return [ok('credentials', `${name || iamId} is known to both listeners; ${countText(buckets.length, 'bucket')}`)]
}

/** Programs that are here, and what they are told. */
async function clients(environment: Environment, { s3Url }: Server): Promise<readonly Finding[]> {
  const places = (given(environment, 'PATH') ?? '').split(delimiter).filter(Boolean)
  const isHere = async (program: string): Promise<boolean> =>
    (
      await Promise.all(
        places.map((place) =>
          access(join(place, program), constants.X_OK).then(
            () => true,
            () => false,
          ),
        ),
      )
    ).some(Boolean)
  const found: Finding[] = []
  for (const [program, how] of [
    ['aws', `export AWS_ENDPOINT_URL_S3=${s3Url}`],
    ['rclone', `provider = Other, endpoint = ${s3Url}, force_path_style = true`],
    ['mc', `mc alias set coffer ${s3Url} ACCESS-KEY SECRET-KEY`],
  ] as const)
    if (await isHere(program)) found.push(ok('clients', `${program} is here: ${how}`))
  return found
}

const CHECKS: readonly (readonly [string, (server: Server) => Promise<readonly Finding[]>])[] = [
  ['server', health],
  ['credentials', credentials],
  ['key service', providers],
  ['root keys', keys],
  ['buckets', buckets],
  ['authorizations', rights],
  ['uploads', uploads],
  ['jobs', background],
  ['backup', backups],
]
