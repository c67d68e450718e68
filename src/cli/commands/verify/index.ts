import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../../call.ts'
import { CommandFailure } from '../../failure.ts'
import { listOf, member, numberOf, textOf } from '../../json.ts'
import { readReference, referenceText } from '../../s3/references.ts'
import { findingColumns, placeOf, unopenedText } from '../../scrub-findings.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText } from '../../units.ts'

const verify: CommandSpec = {
  name: '',
  summary: 'Has a running server look for damage, waits until it has, and lists what it found in a bucket.',
  about:
    'The server looks through all that it stores, to the last tag, as fast as it is let (COFFER_SCRUB_MIB_PER_SECOND); a look that is under way is waited for. It goes on when this is interrupted. Exit status 7 if anything is damaged; 3 if not all could be opened, of whatever bucket, for its root key may not be used or is its customer’s. Without a bucket it is the data directory of a stopped server that is looked at: `coffer verify --help`.',
  arguments: [{ name: 'bucket/prefix', help: 'bucket, bucket/prefix or bucket/key', kind: 'object' }],
  examples: ['coffer verify invoices', 'coffer verify invoices/2026/ --json'],
  see: ['coffer scrub findings', 'coffer scrub status', 'coffer salvage'],
  run: async (call) => {
    const place = readReference(call.argument('bucket/prefix'))
    call.doing(`verify ${referenceText(place)}`)
    const server = await call.server()
    // One that is not there would be without damage.
    await (await server.s3()).headBucket({ Bucket: place.bucket })
    const looked = await lookedThrough(call, server)
    const found = listOf(await server.control('GET', '/admin/v1/scrub/findings'), 'findings').filter(
      (one) => textOf(one, 'bucket') === place.bucket && (textOf(one, 'key') ?? '').startsWith(place.key),
    )
    const unopened = unopenedText(looked)
    const objects = countText(numberOf(looked, 'objects') ?? 0, 'version')
    // The first of each kind in a bucket is always kept.
    const notKept = place.key === '' ? 0 : (numberOf(looked, 'notKept') ?? 0)
    const doubts = [
      notKept === 0
        ? undefined
        : `${countText(notKept, 'finding')} of the look could not be kept: whether one is of it is not known. coffer verify ${place.bucket} tells of the bucket.`,
      unopened === undefined
        ? undefined
        : `of the ${objects} of all buckets ${unopened} could not be opened: whether those are whole is not known.`,
    ]
    const doubt = doubts.find((one) => one !== undefined)
    call.out.rows({
      name: 'findings',
      rows: found,
      columns: findingColumns,
      id: placeOf,
      none:
        doubt === undefined
          ? `✓ Nothing of ${referenceText(place)} is damaged: the server looked at ${objects} of all buckets.`
          : `▲ No damage of ${referenceText(place)} is known, but ${doubt}`,
    })
    if (found.length > 0) return 'damage'
    return doubt === undefined ? 'done' : 'partly'
  },
}

const ASK_EVERY_MS = 500

/** Begins a look unless one is under way; what is told of it at its end. */
export async function lookedThrough(
  call: Pick<Call, 'progress' | 'signal'>,
  server: Pick<Server, 'control'>,
): Promise<unknown> {
  const progress = call.progress()
  progress.total(await storedBytes(server))
  let told = 0
  let scrub = member(await server.control('POST', '/admin/v1/scrub'), 'scrub')
  while (textOf(scrub, 'state') !== 'idle') {
    const [objects, bytes] = [numberOf(scrub, 'objects') ?? 0, numberOf(scrub, 'bytes') ?? 0]
    progress.begin(`${countText(objects, 'version')} of all buckets looked at`, undefined)
    progress.add(bytes - told)
    told = bytes
    await sleep(ASK_EVERY_MS, undefined, { signal: call.signal })
    scrub = member(await server.control('GET', '/admin/v1/scrub'), 'scrub')
  }
  progress.clear()
  if (textOf(scrub, 'finishedAt') !== undefined) return scrub
  throw new CommandFailure({
    code: 'LookNotEnded',
    ending: 'failed',
    why: 'the look ended before its end; the log of the server says why',
    fixes: ['coffer scrub status', 'coffer status'],
  })
}

/** Of the buckets that are told; 0 where none are. */
async function storedBytes(server: Pick<Server, 'control'>): Promise<number> {
  const answer = await server.control('GET', '/admin/v1/buckets').catch(() => undefined)
  return listOf(answer, 'buckets').reduce((sum: number, one) => sum + (numberOf(one, 'usage', 'bytes') ?? 0), 0)
}

export const COMMANDS: readonly CommandSpec[] = [verify]
