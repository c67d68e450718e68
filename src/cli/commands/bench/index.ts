import { newLease } from '../../../base/ids.ts'
import { measured } from '../../bench/load.ts'
import { type Ground, KINDS, type Kind, prepare, randomContent, works, wraps } from '../../bench/works.ts'
import type { Call } from '../../call.ts'
import { CommandFailure, usage } from '../../failure.ts'
import { itemFailure } from '../../item-failure.ts'
import { findKey, keyInstances, keysOf, type RootKey } from '../../key-protect.ts'
import { versions } from '../../s3/listing.ts'
import { removeVersions } from '../../s3/remove.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { tableText } from '../../table.ts'
import { readSize, sizeText } from '../../units.ts'

const ABOUT = 'One client of one machine, for a few seconds: it says whether something is slow, not how fast Coffer is.'

const bench: CommandSpec = {
  name: '',
  summary:
    'Puts a small load on the server and says how it did: rates, and how long half of it and 99 of 100 took at most.',
  about: `${ABOUT} docs/performance.md says how that is measured. It works in a bucket of its own, which is removed afterwards; \`wrap\` asks Key Protect to wrap new data keys, and keeps none.`,
  arguments: [
    {
      name: 'what',
      help: `${KINDS.join(', ')}; mixed by default: of ten, seven get, two put, one list`,
      optional: true,
    },
  ],
  options: {
    seconds: { value: 'n', help: '5 by default, 300 at most' },
    size: { value: 'size', help: 'of an object: 64kB by default, 64MB at most' },
    parallel: { value: 'n', help: 'at once; 8 by default, 256 at most' },
    key: { value: 'key', help: 'the bucket is under this root key; wrap: with this one', kind: 'key' },
  },
  examples: [
    'coffer bench --seconds 1',
    'coffer bench put --size 4kB --seconds 1 --json',
    'coffer bench wrap --key finance-root --seconds 1',
  ],
  see: ['coffer status', 'coffer provider test'],
  run: async (call) => {
    const given = call.maybe('what') ?? 'mixed'
    const kind = KINDS.find((one) => one === given)
    if (kind === undefined) throw usage(`${given} is not one of ${KINDS.join(', ')}`)
    call.doing(`measure ${kind}`)
    const bounds = {
      seconds: bounded(call, 'seconds', 5, 300),
      parallel: bounded(call, 'parallel', 8, 256),
    }
    const size = readSize(call.text('size') ?? '64kB')
    if (size === undefined || size > MOST_BYTES) throw usage('--size takes a size up to 64MB: 4kB, 1MiB')
    const server = await call.server()
    const named = call.text('key')
    const key = named === undefined ? undefined : await findKey(server, named)
    const next = kind === 'wrap' ? wraps(server, key ?? (await anyKey(server))) : await ground(call, kind, key, size)
    const progress = call.progress()
    progress.begin(kind, undefined)
    const found = await measured({
      ...{ next, ...bounds, signal: call.signal, onBytes: progress.add },
      onFailed: (operation, error) => {
        progress.clear()
        itemFailure(call, operation, error, server.s3Url)
      },
    })
    progress.clear()
    const document = { what: kind, ...bounds, sizeBytes: size, server: server.s3Url, measured: found }
    call.out.answer(document, () => `${table(found, call)}\n${call.out.paint.dim(ABOUT)}`)
    const failed = found.reduce((sum, one) => sum + one.failed, 0)
    return failed === 0 ? 'done' : 'partly'
  },
}

const MOST_BYTES = 64_000_000

function bounded(call: Call, name: string, usual: number, most: number): number {
  const value = call.count(name) ?? usual
  if (value < 1 || value > most) throw usage(`--${name} takes 1 to ${most}`)
  return value
}

/** A bucket of its own, that goes whatever happens. */
async function ground(call: Call, kind: Exclude<Kind, 'wrap'>, key: RootKey | undefined, size: number) {
  const s3 = await (await call.server()).s3()
  const bucket = `coffer-bench-${newLease()}`
  await s3.createBucket({ Bucket: bucket })
  call.atEnd(`coffer bucket rm ${bucket} --force --yes`, async () => {
    await removeVersions(s3, bucket, versions(s3, { bucket }))
    await s3.deleteBucket({ Bucket: bucket })
  })
  if (key) {
    const json = { encryption: 'customer-managed', rootKeyCrn: key.crn }
    await (await call.server()).control('PUT', `/admin/v1/buckets/${bucket}/encryption`, { json })
  }
  const made: Ground = { s3, bucket, body: randomContent(size), signal: call.signal }
  await prepare(made, kind)
  return works(made, kind)
}

async function anyKey(server: Server): Promise<RootKey> {
  for (const instance of await keyInstances(server)) {
    const key = (await keysOf(server, instance)).find(({ isRootKey, state }) => isRootKey && state === 'active')
    if (key) return key
  }
  throw new CommandFailure({
    code: 'NoSuchKey',
    ending: 'notFound',
    why: 'there is no active root key that you may see',
    fixes: ['coffer key create NAME'],
  })
}

const table = (found: Awaited<ReturnType<typeof measured>>, { out }: Call): string =>
  tableText(
    found,
    [
      { head: 'WHAT', cell: ({ operation }) => operation },
      { head: 'DONE', cell: ({ count }) => count.toLocaleString('en-US'), right: true },
      { head: 'FAILED', cell: ({ failed }) => failed, right: true },
      { head: 'PER SECOND', cell: ({ perSecond }) => perSecond.toLocaleString('en-US'), right: true },
      { head: 'BYTES', cell: ({ bytesPerSecond: rate }) => (rate === 0 ? '' : `${sizeText(rate)}/s`), right: true },
      { head: 'P50', cell: ({ p50Ms }) => `${p50Ms} ms`, right: true },
      { head: 'P99', cell: ({ p99Ms }) => `${p99Ms} ms`, right: true },
      { head: 'MAX', cell: ({ maxMs }) => `${maxMs} ms`, right: true, wide: true },
    ],
    out.wide,
    out.paint,
  )

export const COMMANDS: readonly CommandSpec[] = [bench]
