import { newestEntries } from './audit-log.ts'
import { listOf, member, numberOf, textOf } from './json.ts'
import { type RootKey, registrationsOf } from './key-protect.ts'
import { tokenOrNone } from './optional-control.ts'
import { shown, widthOf } from './paint.ts'
import type { Server } from './server.ts'
import { countText, sizeText, whenText } from './units.ts'

/** A bucket that goes dark; undefined is what the caller may not know. */
export interface DarkBucket {
  readonly name: string
  readonly objects: number | undefined
  readonly bytes: number | undefined
  readonly uploads: number | undefined
}

/** Who had data keys opened or made there lately. */
export interface Noticer {
  readonly name: string
  readonly uses: number
  readonly last: string | undefined
  readonly buckets: readonly string[]
}

export interface BlastRadius {
  /** The largest first. */
  readonly buckets: readonly DarkBucket[]
  /** Further ones, that the caller may not see. */
  readonly hidden: number
  /** Undefined: only administrators of the account may know. */
  readonly noticers: readonly Noticer[] | undefined
  /** How far back was looked for them. */
  readonly since: string | undefined
}

const NOTHING_KNOWN: BlastRadius = { buckets: [], hidden: 0, noticers: undefined, since: undefined }

/** Of a key that cannot be used. */
export async function radiusOfKey(server: Server, key: RootKey): Promise<BlastRadius> {
  const [impact, registered = []] = await Promise.all([
    tokenOrNone(() => server.control('GET', '/admin/v1/keys/impact', { query: { crn: key.crn } })),
    tokenOrNone(() => registrationsOf(server, key)),
  ])
  const known = impact === undefined ? NOTHING_KNOWN : await radiusOf(server, impact)
  // Of stores elsewhere the key service knows that they use the key, and no more.
  const elsewhere = registered
    .filter(({ bucket }) => !known.buckets.some(({ name }) => name === bucket))
    .map(({ bucket }): DarkBucket => ({ name: bucket, objects: undefined, bytes: undefined, uploads: undefined }))
  return { ...known, buckets: [...known.buckets, ...elsewhere] }
}

/** Of an authorization that goes. `kept`: buckets that something else lets use their keys. Undefined: it may not be known. */
export async function radiusOfAuthorization(
  server: Server,
  id: string,
): Promise<(BlastRadius & { readonly kept: readonly string[] }) | undefined> {
  const path = `/admin/v1/authorizations/${encodeURIComponent(id)}/impact`
  const impact = await tokenOrNone(() => server.control('GET', path))
  if (impact === undefined) return undefined
  const kept = listOf(impact, 'kept').flatMap((one) => textOf(one, 'bucket') ?? [])
  return { ...(await radiusOf(server, impact)), kept: [...new Set(kept)] }
}

const HOUR_MS = 3_600_000
const MOST_LINES = 10_000

/** Of a bucket that goes, with what was found to be in it. */
export async function radiusOfBucket(
  server: Server,
  held: DarkBucket & { readonly nowMs: number },
): Promise<BlastRadius> {
  const { nowMs, ...bucket } = held
  const since = new Date(nowMs - HOUR_MS).toISOString()
  const query = { bucket: bucket.name, kind: 'data-key', outcome: 'success', since }
  const lines = await tokenOrNone(() => newestEntries(server, query, MOST_LINES))
  if (lines === undefined) return { ...NOTHING_KNOWN, buckets: [bucket] }
  const people = new Map<string, Noticer>()
  for (const line of lines.entries) {
    const who = member(member(line, 'said'), 'who')
    const id = textOf(who, 'id') ?? ''
    const known = people.get(id)
    people.set(id, {
      name: known?.name ?? (await nameOf(server, id, textOf(who, 'name'))),
      uses: (known?.uses ?? 0) + 1,
      last: known?.last ?? textOf(line, 'time'),
      buckets: [bucket.name],
    })
  }
  return { buckets: [bucket], hidden: 0, noticers: [...people.values()], since }
}

async function radiusOf(server: Server, impact: unknown): Promise<BlastRadius> {
  const recent = member(impact, 'recent')
  const buckets = new Map<string, DarkBucket>()
  for (const one of listOf(impact, 'buckets')) {
    const name = textOf(one, 'bucket') ?? ''
    const known = buckets.get(name)
    const sum = (what: 'objects' | 'bytes' | 'uploads') => (known?.[what] ?? 0) + (numberOf(one, what) ?? 0)
    buckets.set(name, { name, objects: sum('objects'), bytes: sum('bytes'), uploads: sum('uploads') })
  }
  return {
    buckets: [...buckets.values()],
    hidden: numberOf(impact, 'hidden') ?? 0,
    noticers: recent === undefined ? undefined : await Promise.all(listOf(recent, 'people').map(noticerOf(server))),
    since: textOf(recent, 'since'),
  }
}

const noticerOf = (server: Server) => async (one: unknown) => ({
  name: await nameOf(server, textOf(one, 'id') ?? '', textOf(one, 'name')),
  uses: numberOf(one, 'uses') ?? 0,
  last: textOf(one, 'last'),
  buckets: listOf(one, 'buckets').filter((bucket) => typeof bucket === 'string'),
})

/** Of a service: its instance. */
async function nameOf(server: Server, id: string, name: string | undefined): Promise<string> {
  if (name) return name
  const instances = await tokenOrNone(() => server.instances())
  return instances?.find(({ guid }) => guid !== '' && id.includes(guid))?.name ?? (id || 'somebody')
}

export interface RadiusWords {
  /** Before the sums: `While keys/finance-root is disabled, nothing in these can be read or written`. */
  readonly title: string
  /** In place of it where there is no bucket. */
  readonly nothing: string
  /** What `objects` are, where they are something else. */
  readonly counted?: 'version'
  readonly nowMs: number
}

/** What goes dark and who notices, said the same wherever something can go dark. */
export function radiusLines({ buckets, hidden, noticers, since }: BlastRadius, words: RadiusWords): readonly string[] {
  if (buckets.length + hidden === 0) return [words.nothing]
  const uploads = buckets.reduce((sum, bucket) => sum + (bucket.uploads ?? 0), 0)
  const what = words.counted ?? 'object'
  const width = Math.max(0, ...buckets.map(({ name }) => widthOf(name)))
  return [
    `${words.title}: ${sumText(buckets, what)}`,
    ...buckets.map((bucket) => `  ${bucket.name.padEnd(width)}  ${heldText(bucket, what)}`.trimEnd()),
    ...(hidden > 0 ? [`  and ${countText(hidden, 'bucket')} that you may not see`] : []),
    ...(noticers === undefined ? ['Who used them is told to administrators of the account.'] : []),
    ...(noticers?.length === 0 ? [`Nobody used them since ${whenText(since, words.nowMs)}.`] : []),
    ...(noticers && noticers.length > 0 ? ['Who notices:'] : []),
    ...(noticers ?? []).map(
      ({ name, uses, last, buckets: used }) =>
        `  ${shown(name)}  used ${used.join(', ')} ${countText(uses, 'time')}, last ${whenText(last, words.nowMs)}`,
    ),
    ...(uploads > 0 ? [`  ${countText(uploads, 'upload')} under way: new parts are refused`] : []),
  ]
}

const heldText = ({ objects, bytes }: DarkBucket, what: string): string =>
  objects === undefined || bytes === undefined
    ? 'of another store: what it holds is known there'
    : `${countText(objects, what)}, ${sizeText(bytes)}`

function sumText(buckets: readonly DarkBucket[], what: string): string {
  const sum = (of: 'objects' | 'bytes') => buckets.reduce((total, bucket) => total + (bucket[of] ?? 0), 0)
  const isKnown = buckets.length > 0 && buckets.every(({ bytes }) => bytes !== undefined)
  return [
    countText(buckets.length, 'bucket'),
    ...(isKnown ? [countText(sum('objects'), what), sizeText(sum('bytes'))] : []),
  ].join(', ')
}
