import { hashOf } from '../../base/checksums.ts'
import { hasCode } from '../../base/errors.ts'
import { rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { MetadataStore, MetadataStoreErrorCode, Write } from '../../storage/metadata/metadata-store.ts'
import { rowsUnder, SPACE } from '../keyspace.ts'
import { decode, encode, number, objectOf, text } from '../record-codec.ts'
import { type Finding, type FindingKind, identityOf, isFindingKind } from './finding.ts'
import { noCounts, type VerifyCounts, type VerifyCursor } from './verify-contents.ts'

/** The latest look through all that is stored; stored, so that it goes on after a restart. */
export interface ScrubState {
  /** Counts the looks. */
  readonly pass: number
  readonly startedAtMs: number
  readonly finishedAtMs?: number
  readonly cursor?: VerifyCursor
  readonly counts: VerifyCounts
  readonly bytesRead: number
  /** Findings beyond those that are kept. Of a look that is under way: of contents up to the cursor, and of the look before. */
  readonly notKept?: number
  readonly notKeptBefore?: number
}

/** And the look that met it last. */
export interface KnownFinding {
  readonly pass: number
  readonly finding: Finding
}

const STATE = Buffer.from('state', 'ascii')
const FINDINGS = Buffer.from('finding\0', 'ascii')
const HASH_BYTES = 16

export function stateWrite({ cursor, counts, ...rest }: ScrubState): Write {
  const at = cursor && { space: cursor.space, after: cursor.after.toString('hex') }
  return {
    type: 'put',
    space: SPACE.scrub,
    key: STATE,
    value: encode({ ...rest, counts, ...(at ? { cursor: at } : {}) }),
  }
}

/** Undefined as well when it cannot be read: then everything is looked at anew. */
export async function readScrubState(metadata: Pick<MetadataStore, 'get'>): Promise<ScrubState | undefined> {
  try {
    const row = await metadata.get(SPACE.scrub, STATE)
    return row && stateFrom(decode(row.value).json)
  } catch (error) {
    if (hasCode<MetadataStoreErrorCode>(error, 'MetadataCorrupt')) return undefined
    throw error
  }
}

function stateFrom(json: Record<string, unknown>): ScrubState {
  const cursor = json['cursor'] === undefined ? undefined : objectOf(json['cursor'])
  const counts = objectOf(json['counts'])
  const closed = Object.entries(objectOf(counts['closed'])).map(([reason, value]) => [reason, Number(value)] as const)
  return {
    pass: number(json, 'pass'),
    startedAtMs: number(json, 'startedAtMs'),
    ...(json['finishedAtMs'] === undefined ? {} : { finishedAtMs: number(json, 'finishedAtMs') }),
    ...(cursor ? { cursor: { space: number(cursor, 'space'), after: Buffer.from(text(cursor, 'after'), 'hex') } } : {}),
    counts: {
      ...noCounts(),
      objects: number(counts, 'objects'),
      deleteMarkers: number(counts, 'deleteMarkers'),
      uploads: number(counts, 'uploads'),
      bytes: number(counts, 'bytes'),
      closed: Object.fromEntries(closed),
    },
    bytesRead: number(json, 'bytesRead'),
    ...(json['notKept'] === undefined ? {} : { notKept: number(json, 'notKept') }),
    ...(json['notKeptBefore'] === undefined ? {} : { notKeptBefore: number(json, 'notKeptBefore') }),
  }
}

const findingRow = (finding: Finding): Buffer =>
  Buffer.concat([FINDINGS, hashOf('sha256', Buffer.from(identityOf(finding), 'utf8')).subarray(0, HASH_BYTES)])

export const findingWrite = ({ pass, finding }: KnownFinding): Write => ({
  ...{ type: 'put', space: SPACE.scrub, key: findingRow(finding) },
  value: encode({ pass, ...finding }),
})

export const endOfFinding = (finding: Finding): Write => ({
  ...{ type: 'delete', space: SPACE.scrub },
  key: findingRow(finding),
})

const PAGE = 500

/** What cannot be read is found again. */
export async function readFindings(metadata: Pick<MetadataStore, 'range'>): Promise<KnownFinding[]> {
  const found: KnownFinding[] = []
  const { gte: first, lt } = rowsUnder(FINDINGS)
  for (let gte: Buffer = first; ; ) {
    const rows = await rangeWithDamaged(metadata, SPACE.scrub, { gte, lt, limit: PAGE })
    for (const row of rows) {
      const known = 'damage' in row ? undefined : findingFrom(decode(row.value).json)
      if (known) found.push(known)
    }
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) return found
    gte = Buffer.concat([last.key, Buffer.of(0)])
  }
}

function findingFrom(json: Record<string, unknown>): KnownFinding | undefined {
  const kind: FindingKind | undefined = isFindingKind(json['kind']) ? json['kind'] : undefined
  if (!kind) return undefined
  const words = (['bucket', 'key', 'versionId', 'uploadId', 'blob', 'file'] as const).flatMap((name) =>
    json[name] === undefined ? [] : [[name, text(json, name)] as const],
  )
  const numbers = (['part', 'offset'] as const).flatMap((name) =>
    json[name] === undefined ? [] : [[name, number(json, name)] as const],
  )
  const place: Omit<Finding, 'kind' | 'damage' | 'advice'> = Object.fromEntries([...words, ...numbers])
  const finding = { kind, ...place, damage: text(json, 'damage'), advice: text(json, 'advice') }
  return { pass: number(json, 'pass'), finding }
}
