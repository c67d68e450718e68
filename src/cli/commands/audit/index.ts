import { newestEntries } from '../../audit-log.ts'
import type { Call } from '../../call.ts'
import { usage } from '../../failure.ts'
import { listOf, member, numberOf, textOf } from '../../json.ts'
import { findKey } from '../../key-protect.ts'
import { rootKeyNames } from '../../root-key-names.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { readSpan } from '../../units.ts'

const WAIT_SECONDS = 20

const audit: CommandSpec = {
  name: '',
  summary: 'Shows what was done, by whom, and what let them: the audit log of the account.',
  about: 'The log itself is verified by `coffer audit verify`, and taken out by `coffer audit export`.',
  options: {
    follow: { help: 'and what comes, until it is interrupted' },
    limit: { value: 'n', help: 'so many lines; 50 by default' },
    since: { value: 'time', help: 'from this time on: 2026-11-22T20:00:00Z, or 2h ago' },
    who: { value: 'text', help: 'IAM id or name, or a part of one' },
    did: { value: 'action', help: 's3.GetObject, kms.*; several with commas' },
    bucket: { value: 'bucket', help: 'of this bucket', kind: 'bucket' },
    key: { value: 'key', help: 'of this root key', kind: 'key' },
    outcome: { value: 'outcome', help: 'only these', choices: ['success', 'failure'] },
  },
  examples: ['coffer audit --limit 5', 'coffer audit --did kms.* --since 1h --outcome failure'],
  see: ['coffer audit verify'],
  run: async (call) => {
    call.doing('show the audit log')
    const server = await call.server()
    const [key, since] = [call.text('key'), call.text('since')]
    const filter = {
      ...{ who: call.text('who'), did: call.text('did'), bucket: call.text('bucket'), outcome: call.text('outcome') },
      key: key === undefined ? undefined : (await findKey(server, key)).crn,
      since: since === undefined ? undefined : timeOf(since, call.out.nowMs),
    }
    const limit = call.count('limit') ?? 50
    const newest = await newestEntries(server, filter, limit)
    const names = new Map<string, string>()
    await learn(call, server, newest.entries, names)
    for (const entry of newest.entries.toReversed()) told(call, entry, names)
    let [latest, count] = [newest.latest, newest.entries.length]
    while (call.flag('follow')) {
      const query = { ...filter, after: latest, wait: WAIT_SECONDS, limit: 1000 }
      const news = await server.control('GET', '/admin/v1/activity', { query })
      await learn(call, server, listOf(news, 'entries'), names)
      for (const entry of listOf(news, 'entries')) told(call, entry, names)
      count += listOf(news, 'entries').length
      latest = numberOf(news, 'latest') ?? latest
    }
    call.out.result({ entries: count, latest }, () => (count === 0 ? 'Nothing was done that fits.' : undefined))
    return 'done'
  },
}

function timeOf(text: string, nowMs: number): string {
  const span = readSpan(text.replace(/ *ago$/, ''))
  const time = span === undefined ? new Date(text) : new Date(nowMs - span)
  if (Number.isNaN(time.getTime())) throw usage('--since takes a time like 2026-11-22T20:00:00Z, or a span like 2h')
  return time.toISOString()
}

/** What people call the root keys that are named, each asked for once. With --json they are told as the log has them. */
async function learn({ out }: Call, server: Server, entries: readonly unknown[], names: Map<string, string>) {
  if (out.json || out.quiet) return
  const crns = entries.map((entry) => textOf(entry, 'said', 'what', 'rootKey')).filter((crn) => crn !== undefined)
  const unknown = crns.filter((crn) => !names.has(crn))
  for (const [crn, name] of await rootKeyNames(server, unknown)) names.set(crn, name)
}

/** Of a CRN what it ends with: the resource, or the instance itself. */
const shortly = (name: string): string =>
  name.startsWith('crn:') ? (name.split(':').findLast((part) => part !== '') ?? name) : name

function told({ out }: Call, entry: unknown, names: ReadonlyMap<string, string>): void {
  out.item(
    Object(entry),
    () => {
      const said = member(entry, 'said')
      const who = textOf(said, 'who', 'name') ?? textOf(said, 'who', 'id') ?? ''
      const what = [textOf(said, 'what', 'bucket'), textOf(said, 'what', 'object')].filter(Boolean).join('/')
      const rootKey = textOf(said, 'what', 'rootKey') ?? ''
      const rest = what || shortly(names.get(rootKey) ?? (rootKey || textOf(said, 'what', 'name') || ''))
      const isFailure = textOf(entry, 'outcome') === 'failure'
      const code = isFailure ? out.paint.red(`  ${textOf(entry, 'code') ?? 'refused'}`) : ''
      const why = textOf(entry, 'why')
      return `${out.paint.dim(textOf(entry, 'time') ?? '')}  ${isFailure ? '✕' : '✓'} ${who} ${textOf(said, 'did') ?? textOf(entry, 'action') ?? ''} ${rest}${why === undefined ? '' : `: “${why}”`}${code}`
    },
    String(numberOf(entry, 'seq') ?? ''),
  )
}

export const COMMANDS: readonly CommandSpec[] = [audit]
