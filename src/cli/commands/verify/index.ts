import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../../call.ts'
import { CommandFailure } from '../../failure.ts'
import { listOf, member, numberOf, textOf } from '../../json.ts'
import { type ObjectReference, readReference, referenceText } from '../../s3/references.ts'
import { findingColumns, placeOf, unopenedText } from '../../scrub-findings.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText } from '../../units.ts'

const verify: CommandSpec = {
  name: '',
  summary: 'Has a running server look for damage in a bucket, waits until it has, and lists what it found.',
  about:
    'The server reads what is stored of it, to the last tag, as fast as it is let (COFFER_SCRUB_MIB_PER_SECOND). It goes on when this is interrupted: the same command waits for it again, --stop ends it. Of bytes that nothing names, and of counters, it lists what the scrub found last. Exit status 7 if anything is damaged; 3 if not all could be opened, for its root key may not be used or is its customer’s. Without a bucket it is the data directory of a stopped server that is looked at: `coffer verify --help`.',
  arguments: [{ name: 'bucket/prefix', help: 'bucket, bucket/prefix or bucket/key', kind: 'object' }],
  options: {
    checksums: { help: 'also those that take long: MD5 (the ETag of what was put in one piece) and SHA' },
    stop: { help: 'end the one that is under way' },
  },
  examples: ['coffer verify invoices', 'coffer verify invoices/2026/ --checksums --json'],
  see: ['coffer scrub findings', 'coffer scrub status', 'coffer salvage'],
  run: async (call) => {
    const place = readReference(call.argument('bucket/prefix'))
    call.doing(`verify ${referenceText(place)}`)
    const server = await call.server()
    if (call.flag('stop')) {
      const stopped = member(await server.control('DELETE', pathOf(place)), 'verification')
      const done = countText(numberOf(stopped, 'objects') ?? 0, 'version')
      call.out.answer({ verification: stopped }, () =>
        stopped === undefined
          ? `No verification of ${place.bucket} is under way.`
          : `✓ The verification of ${place.bucket} is stopped, after ${done}.`,
      )
      return 'done'
    }
    const looked = await lookedThrough(call, server, place)
    const found = listOf(looked, 'findings')
    const notKept = numberOf(looked, 'notKept') ?? 0
    const unopened = unopenedText(looked)
    const objects = countText(numberOf(looked, 'objects') ?? 0, 'version')
    call.out.rows({
      name: 'findings',
      rows: found,
      columns: findingColumns,
      id: placeOf,
      none:
        unopened === undefined
          ? `✓ Nothing of ${referenceText(place)} is damaged: the server looked at ${objects}.`
          : `▲ No damage of ${referenceText(place)} is known, but of its ${objects} ${unopened} could not be opened: whether those are whole is not known.`,
    })
    if (notKept > 0) call.out.warning(`There are ${countText(notKept, 'finding')} more.`)
    if (found.length > 0) return 'damage'
    return unopened === undefined ? 'done' : 'partly'
  },
}

const ASK_EVERY_MS = 500

const pathOf = ({ bucket }: ObjectReference): string => `/admin/v1/buckets/${encodeURIComponent(bucket)}/verification`

/** Begins to look through it, unless that is under way; what is told of it at its end. */
export async function lookedThrough(
  call: Pick<Call, 'progress' | 'signal' | 'flag'>,
  server: Pick<Server, 'control'>,
  place: ObjectReference,
): Promise<unknown> {
  const path = pathOf(place)
  const json = { prefix: place.key, ...(call.flag('checksums') ? { checksums: true } : {}) }
  let look = member(await server.control('POST', path, { json }), 'verification')
  const progress = call.progress()
  // How much lies under a prefix nobody has counted.
  if (place.key === '') progress.total((await storedBytes(server, place)) ?? 0)
  const began = textOf(look, 'startedAt')
  let told = 0
  while (textOf(look, 'startedAt') === began && textOf(look, 'finishedAt') === undefined) {
    const [objects, bytes] = [numberOf(look, 'objects') ?? 0, numberOf(look, 'bytes') ?? 0]
    progress.begin(`${countText(objects, 'version')} of ${referenceText(place)} looked at`, undefined)
    progress.add(bytes - told)
    told = bytes
    await sleep(ASK_EVERY_MS, undefined, { signal: call.signal })
    look = member(await server.control('GET', path), 'verification')
  }
  progress.clear()
  const isOurs = textOf(look, 'startedAt') === began
  if (isOurs && textOf(look, 'state') === 'ended') return look
  const [why, fixes] = !isOurs
    ? ['the server was started anew meanwhile, or somebody had it begin another', []]
    : textOf(look, 'state') === 'stopped'
      ? ['somebody stopped it', []]
      : ['the server could not go on; its log says why', ['coffer status']]
  const again = `coffer verify ${referenceText(place)}`
  throw new CommandFailure({ code: 'VerificationNotEnded', ending: 'failed', why, fixes: [...fixes, again] })
}

async function storedBytes(server: Pick<Server, 'control'>, { bucket }: ObjectReference): Promise<number | undefined> {
  const path = `/admin/v1/buckets/${encodeURIComponent(bucket)}/usage`
  return numberOf(await server.control('GET', path).catch(() => undefined), 'bytes')
}

export const COMMANDS: readonly CommandSpec[] = [verify]
