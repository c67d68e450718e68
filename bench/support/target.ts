import { randomBytes } from 'node:crypto'
import path from 'node:path'
import type { S3Client } from '@aws-sdk/client-s3'
import { mainAccount, writeBootstrapFile } from '../../test/support/bootstrap.ts'
import { testCertificates } from '../../test/support/certificate.ts'
import { keyOwner } from '../../test/support/keys.ts'
import { makeBucket, s3ClientFor } from '../../test/support/s3.ts'
import { type ServerProcess, startServerProcess } from '../../test/support/server-process.ts'
import { ownerOnlyFile } from './owner-only-file.ts'
import { pinToOneCore } from './pin.ts'
import type { Endpoint } from './plan.ts'

/** A server that takes its turn. */
export interface Target {
  readonly name: string
  readonly endpoint: Endpoint
  readonly client: S3Client
  readonly bucket: string
  readonly pids: () => readonly number[]
  /** Calls to key services since it began, where it tells. */
  readonly keyCalls?: () => Promise<number>
  /** Sizes of objects, and names of key sets, that are in the bucket already. */
  readonly filled: Set<number | string>
}

/**
 * Coffer in several ways: as it comes, under a customer's root key, with TLS, pinned to one core, with one, two or three
 * serving threads, without any sealing.
 */
export const VARIANTS = [
  'coffer',
  'coffer-customer',
  'coffer-tls',
  'coffer-one-core',
  'coffer-one-thread',
  'coffer-two-threads',
  'coffer-three-threads',
  'coffer-null',
] as const
export type Variant = (typeof VARIANTS)[number]

const THREADS: Readonly<Partial<Record<Variant, Readonly<Record<string, string>>>>> = {
  'coffer-one-thread': { COFFER_S3_THREADS: '1' },
  'coffer-two-threads': { COFFER_S3_THREADS: '2' },
  'coffer-three-threads': { COFFER_S3_THREADS: '3' },
}

const HOOKS = new URL('../null-suite/hooks.ts', import.meta.url).href

export async function startCoffer(variant: Variant, home: string, scope: AsyncDisposableStack): Promise<Target> {
  const directory = path.join(home, variant)
  const tls = variant === 'coffer-tls' ? testCertificates() : undefined
  const server = await startServerProcess({
    dataDir: directory,
    bootstrapFile: await writeBootstrapFile(`${directory}.json`, [mainAccount]),
    settings: {
      COFFER_LOG_LEVEL: 'warn',
      ...THREADS[variant],
      ...(tls && {
        COFFER_TLS_CERTIFICATE_FILE: await ownerOnlyFile(`${directory}.cert`, tls.cert + tls.ca),
        COFFER_TLS_KEY_FILE: await ownerOnlyFile(`${directory}.pem`, tls.key),
      }),
    },
    ...(tls && { ca: tls.ca }),
    ...(variant === 'coffer-null' && { nodeOptions: ['--import', HOOKS] }),
  })
  scope.defer(() => server.stop())
  if (variant === 'coffer-one-core') pinToOneCore(server.pid)
  const { accessKeyId, secretAccessKey } = mainAccount.user
  const authority = `127.0.0.1:${server.s3Port}`
  const endpoint = { authority, accessKeyId, secretAccessKey, region: 'us-east-1', ...(tls && { ca: tls.ca }) }
  const rootKeyCrn = variant === 'coffer-customer' ? await newRootKey(server) : undefined
  const made = await withBucket(
    variant,
    endpoint,
    () => [server.pid],
    (client, bucket) => makeBucket(client, bucket, rootKeyCrn),
  )
  return tls ? made : { ...made, keyCalls: () => keyCallsOf(server) }
}

/** A bucket of its own at a server that runs. */
export async function withBucket(
  name: string,
  endpoint: Endpoint,
  pids: Target['pids'],
  make: (client: S3Client, bucket: string) => Promise<void>,
): Promise<Target> {
  const bucket = `bench-${randomBytes(4).toString('hex')}`
  const scheme = endpoint.ca === undefined ? 'http' : 'https'
  const client = s3ClientFor({ s3Url: `${scheme}://${endpoint.authority}`, ...endpoint })
  await make(client, bucket)
  return { name, endpoint, client, bucket, pids, filled: new Set() }
}

async function newRootKey({ controlUrl }: ServerProcess): Promise<string> {
  return (await (await keyOwner(controlUrl)).newKey('bench')).crn
}

async function keyCallsOf({ controlUrl }: ServerProcess): Promise<number> {
  const text = await (await fetch(`${controlUrl}/metrics`)).text()
  const counts = [...text.matchAll(/^coffer_key_calls_total\{[^}]*\} (\d+)$/gm)].map(([, count]) => Number(count))
  return counts.reduce((all, count) => all + count, 0)
}
