import { uuidFromBytes } from '../../base/ids.ts'
import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataSnapshot, MetadataStore, Space } from '../../storage/metadata/metadata-store.ts'
import type { Buckets } from '../buckets.ts'
import { decodeOrders } from '../key-versions.ts'
import { headKey, keyOfHead, rowsUnder, SPACE, splitUploadKey, splitVersionKey } from '../keyspace.ts'
import { decodeGarbage, decodePart, isMarker, type ObjectRecord } from '../records.ts'
import { recount } from '../recount.ts'
import { envelopeIdOf } from '../upload-id.ts'
import { NULL_VERSION } from '../version-id.ts'
import { atBlob } from './checking.ts'
import { adviseOn, type Finding, type Problem } from './finding.ts'
import { legible, versionIn } from './legible.ts'

export interface VerifyIndex {
  readonly metadata: MetadataStore
  readonly buckets: Pick<Buckets, 'all'>
  readonly signal: AbortSignal
  readonly onFinding: (finding: Finding) => void
  /** After each page of rows. */
  readonly pause?: () => Promise<void>
}

const PAGE = 200

/** A row that one commit deletes and the next does not write again costs nothing but these lines. */
type Rows = readonly (Entry | DamagedRow)[]

/**
 * Whether rows agree with one another: owners of blobs with what they own, histories with versions, parts with what they are
 * parts of, counters with what they count. All as one commit left it, so that it is exact while others write. Costs no reading
 * of contents. False when it was aborted.
 */
export async function verifyIndex(work: VerifyIndex): Promise<boolean> {
  const { metadata, signal, onFinding } = work
  await using snapshot = await metadata.snapshot()
  const pages = pagesIn(snapshot, work)
  const nameOf = namesOf(work)
  const tell = (problem: Problem): void => onFinding(adviseOn(problem))
  const expected = await expectations(pages, snapshot)
  for (const orphan of await orphanParts(pages, expected)) tell(orphan)
  for await (const problem of ownerProblems(pages, snapshot, expected, nameOf)) tell(problem)
  for await (const problem of historyProblems(pages, snapshot, nameOf)) tell(problem)
  if (signal.aborted) return false
  for (const { bucketId, counted, stored, found, ...of } of (await recount(metadata)).differences) {
    const under = of.slot === undefined ? '' : ` under key slot ${of.slot}${of.keyVersion ? ` (${of.keyVersion})` : ''}`
    const damage = `the counter of ${counted}${under} says ${stored}, the records say ${found}`
    tell({ kind: 'counter-wrong', bucket: nameOf(bucketId), damage })
  }
  return !signal.aborted
}

/** Of keys whose rows begin with `under`: whether their histories agree with their versions. False when it was aborted. */
export async function verifyHistories(work: VerifyIndex & { readonly under: Buffer }): Promise<boolean> {
  await using snapshot = await work.metadata.snapshot()
  for await (const problem of historyProblems(pagesIn(snapshot, work), snapshot, namesOf(work))) {
    work.onFinding(adviseOn(problem))
  }
  return !work.signal.aborted
}

const namesOf =
  ({ buckets }: VerifyIndex) =>
  (id: string): string =>
    buckets.all().find((bucket) => bucket.id === id)?.name ?? id

interface Expectations {
  /** Envelope ids that rows of parts may lie under. */
  readonly envelopes: ReadonlySet<string>
  /** Blobs that wait to be removed. */
  readonly doomed: ReadonlySet<string>
  /** Some record could not be read: nobody knows what belongs to it. */
  readonly incomplete: boolean
  readonly unknownGarbage: boolean
}

type Pages = (space: Space) => AsyncGenerator<Rows>

const pagesIn = (
  snapshot: MetadataSnapshot,
  { signal, pause, under }: VerifyIndex & { readonly under?: Buffer },
): Pages =>
  async function* (space) {
    for await (const rows of pagesOf(snapshot, space, under)) {
      if (signal.aborted) return
      yield rows
      await pause?.()
    }
  }

const idOf = (envelope: Buffer): string => envelope.toString('latin1')

async function expectations(pages: Pages, snapshot: MetadataSnapshot): Promise<Expectations> {
  const envelopes = new Set<string>()
  const doomed = new Set<string>()
  let incomplete = false
  let unknownGarbage = false
  for (const space of [SPACE.head, SPACE.version]) {
    for await (const rows of pages(space)) {
      for (const row of rows) {
        const record = versionIn(row)
        if (!record) incomplete = true
        else if (!isMarker(record) && 'partCount' in record.data) envelopes.add(idOf(record.blobId))
      }
    }
  }
  // Its row key says what lies under an upload, whatever became of its record.
  for await (const rows of pages(SPACE.upload)) {
    for (const { key } of rows) envelopes.add(idOf(envelopeIdOf(splitUploadKey(key).uploadId)))
  }
  for await (const rows of pagesOf(snapshot, SPACE.garbage)) {
    for (const row of rows) {
      const garbage = 'damage' in row ? undefined : legible(() => decodeGarbage(row.value))
      if (!garbage) unknownGarbage = true
      for (const blob of garbage?.blobs ?? []) doomed.add(blob)
      if (garbage?.upload) envelopes.add(idOf(Buffer.from(garbage.upload.uploadId, 'hex')))
    }
  }
  return { envelopes, doomed, incomplete: incomplete || unknownGarbage, unknownGarbage }
}

async function orphanParts(pages: Pages, { envelopes, incomplete }: Expectations): Promise<Problem[]> {
  const orphans = new Map<string, { parts: number; bytes: number }>()
  if (incomplete) return []
  for await (const rows of pages(SPACE.part)) {
    for (const row of rows) {
      const envelope = row.key.subarray(0, 16)
      if (envelopes.has(idOf(envelope))) continue
      const part = 'damage' in row ? undefined : legible(() => decodePart(row.value))
      const orphan = orphans.get(envelope.toString('hex')) ?? { parts: 0, bytes: 0 }
      orphans.set(envelope.toString('hex'), { parts: orphan.parts + 1, bytes: orphan.bytes + (part?.sizeBytes ?? 0) })
    }
  }
  return [...orphans].map(([envelope, { parts, bytes }]) => ({
    kind: 'part-orphan',
    damage: `${parts} parts of ${bytes} bytes lie under the envelope ${envelope}, which no object and no upload has`,
  }))
}

async function* ownerProblems(
  pages: Pages,
  snapshot: MetadataSnapshot,
  { doomed, unknownGarbage }: Expectations,
  nameOf: (id: string) => string,
): AsyncGenerator<Problem> {
  for await (const rows of pages(SPACE.blob)) {
    for (const row of rows) {
      const blob = row.key.toString('latin1')

      if ('damage' in row || unknownGarbage || doomed.has(blob)) continue
      const [space = 0, key] = [row.value[0], row.value.subarray(1)]
      if (await isNamed(snapshot, space, key, blob)) continue
      yield ownerOrphan(space, key, blob, nameOf)
    }
  }
}

function ownerOrphan(space: number, key: Buffer, blob: string, nameOf: (id: string) => string): Problem {
  const kind = 'owner-orphan'
  if (space === SPACE.part) {
    const part = key.readUInt32BE(16)
    const damage = `no row names these bytes, which were part ${part} under the envelope ${key.toString('hex', 0, 16)}`
    return { kind, part, ...atBlob(blob), damage }
  }
  const bucket = nameOf(uuidFromBytes(key.subarray(0, 16)))
  const damage = 'no row names these bytes, which were of a version of this key: it may be lost'
  return { kind, bucket, key: keyOfHead(key), ...atBlob(blob), damage }
}

async function isNamed(snapshot: MetadataSnapshot, space: number, key: Buffer, blob: string): Promise<boolean> {
  if (space === SPACE.part) {
    const row = await rowAt(snapshot, SPACE.part, key)
    // Damage is told of where the row is looked at.
    if (!row || 'damage' in row) return row !== undefined
    return legible(() => decodePart(row.value))?.blob === blob
  }
  const head = await rowAt(snapshot, SPACE.head, key)
  if (head && mayName(head, blob)) return true
  const versions = { gte: Buffer.concat([key, Buffer.of(0)]), lt: Buffer.concat([key, Buffer.of(1)]) }
  for (let gte: Buffer = versions.gte; ; ) {
    const rows = await rangeWithDamaged(snapshot, SPACE.version, { gte, lt: versions.lt, limit: PAGE })
    if (rows.some((row) => mayName(row, blob))) return true
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) return false
    gte = behind(last.key)
  }
}

/** Nobody knows what a row names that cannot be read; it is told of where it is looked at. */
function mayName(row: Entry | DamagedRow, blob: string): boolean {
  const record = versionIn(row)
  if (!record) return true
  if (isMarker(record)) return false
  const { data, manifest }: ObjectRecord = record
  return ('blob' in data && data.blob === blob) || ('blob' in manifest && manifest.blob === blob)
}

/** What a key's rows in `version` make of its history. */
interface KeyOfVersions {
  /** Bucket id and key, as in the key of its history. */
  readonly row: Buffer
  readonly newest: bigint
  nullOrder: bigint | undefined
  /** While nothing is in `head` the newest is a delete marker. */
  readonly needsHead: boolean
  incomplete: boolean
}

async function* historyProblems(
  pages: Pages,
  snapshot: MetadataSnapshot,
  nameOf: (id: string) => string,
): AsyncGenerator<Problem> {
  let current: KeyOfVersions | undefined
  for await (const rows of pages(SPACE.version)) {
    for (const row of rows) {
      const { key, order } = splitVersionKey(row.key)
      const history = headKey(uuidFromBytes(row.key.subarray(0, 16)), key)
      const record = versionIn(row)
      if (!current?.row.equals(history)) {
        if (current) yield* historyProblem(snapshot, current, nameOf)
        // The newest comes first.
        const needsHead = !(record && isMarker(record))
        current = { row: history, newest: order, nullOrder: undefined, needsHead, incomplete: !record }
      }
      if (!record) current.incomplete = true
      else if (record.versionId === NULL_VERSION) current.nullOrder = order
    }
  }
  if (current) yield* historyProblem(snapshot, current, nameOf)
  for await (const rows of pages(SPACE.history)) {
    for (const { key } of rows) {
      const gte = Buffer.concat([key, Buffer.of(0)])
      const lt = Buffer.concat([key, Buffer.of(1)])
      const [version] = await rangeWithDamaged(snapshot, SPACE.version, { gte, lt, limit: 1 })
      if (version) continue
      const where = { bucket: nameOf(uuidFromBytes(key.subarray(0, 16))), key: keyOfHead(key) }
      yield { kind: 'history-wrong', ...where, damage: 'its key has a history and no versions' }
    }
  }
}

async function* historyProblem(
  snapshot: MetadataSnapshot,
  { row, newest, nullOrder, needsHead, incomplete }: KeyOfVersions,
  nameOf: (id: string) => string,
): AsyncGenerator<Problem> {
  const where = { bucket: nameOf(uuidFromBytes(row.subarray(0, 16))), key: keyOfHead(row) }
  if (needsHead && !incomplete && !(await rowAt(snapshot, SPACE.head, row))) {
    yield { kind: 'current-missing', ...where, damage: 'its key has versions, and none of them is the current one' }
  }
  const history = await rowAt(snapshot, SPACE.history, row)
  // That there is none, or a damaged one, is told with each version of the key.
  if (!history || 'damage' in history) return
  const orders = history.value.length >= 8 ? decodeOrders(history.value) : undefined
  if (orders?.newest === newest && (incomplete || orders.nullOrder === nullOrder)) return
  yield { kind: 'history-wrong', ...where, damage: 'the history of its key does not say what its versions say' }
}

async function rowAt(snapshot: MetadataSnapshot, space: Space, key: Buffer): Promise<Entry | DamagedRow | undefined> {
  const [row] = await rangeWithDamaged(snapshot, space, { gte: key, lt: behind(key), limit: 1 })
  return row
}

const behind = (key: Buffer): Buffer => Buffer.concat([key, Buffer.of(0)])

async function* pagesOf(
  snapshot: MetadataSnapshot,
  space: Space,
  under: Buffer = Buffer.alloc(0),
): AsyncGenerator<Rows> {
  const { gte: start, lt } = rowsUnder(under)
  for (let gte = start; ; ) {
    const rows = await rangeWithDamaged(snapshot, space, { gte, lt, limit: PAGE })
    if (rows.length > 0) yield rows
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) return
    gte = behind(last.key)
  }
}
