import { join } from 'node:path'
import { decodeHeader } from '../../envelope/header.ts'
import { HEADER_SIZE, plainLength } from '../../envelope/segment.ts'
import { keyRefOf } from '../../envelope/small-envelope.ts'
import { partKey, rowsUnder, SPACE } from '../../objects/keyspace.ts'
import { bytePace } from '../../objects/verify/byte-pace.ts'
import { faultOf } from '../../objects/verify/check-part.ts'
import { atBlob, closedBy } from '../../objects/verify/checking.ts'
import { adviseOn, type Finding, type Problem } from '../../objects/verify/finding.ts'
import { copyLevelStore } from '../../storage/metadata/level-copy.ts'
import { openLevelStore } from '../../storage/metadata/level-store.ts'
import type { MetadataStore } from '../../storage/metadata/metadata-store.ts'
import { surveyLevel } from '../../storage/metadata/survey-level.ts'
import type { Config } from '../settings.ts'
import { scratchDirectory, storesIn, takeStoredData } from '../stored-data.ts'
import type { StoreName } from '../stores.ts'
import { openStoredBlobs, type StoredBlobs } from './stored-blobs.ts'
import { faultProblem, missingProblem } from './verify-offline.ts'

export interface KeylessOptions {
  readonly config: Pick<Config, 'data-dir' | 'storage-classes'>
  readonly mibPerSecond: number
  readonly signal: AbortSignal
  readonly onFinding: (finding: Finding) => void
  readonly onProgress: (progress: KeylessCounts) => void
}

export interface KeylessCounts {
  /** Blobs that rows keep. */
  blobs: number
  /** Of those blobs, as they are stored. */
  storedBytes: number
  bytesRead: number
}

export interface KeylessReport extends KeylessCounts {
  readonly complete: boolean
  readonly unopened: readonly StoreName[]
}

const PAGE = 500

/**
 * What a data directory shows to whoever has no key: files of the metadata stores against their own checksums; that each
 * blob which a row keeps is there, whole in its pack, begins like one, and has a length that one can have. Nothing of this
 * says that ciphertext is what was written: only its tags do, and they take the key.
 */
export async function verifyKeyless(options: KeylessOptions): Promise<KeylessReport> {
  const { config, signal, onFinding, onProgress } = options
  await using scope = new AsyncDisposableStack()
  const dataDir = await takeStoredData(config['data-dir'], scope)
  const { stores, missing } = await storesIn(dataDir)
  const unopened: StoreName[] = [...missing]
  for (const name of missing) onFinding(adviseOn(missingProblem(name)))
  for (const name of stores) {
    const { faults } = await surveyLevel(join(dataDir, name))
    for (const fault of faults) onFinding(adviseOn(faultProblem(name, fault)))
    if (faults.some(({ kind }) => kind === 'missing' || kind === 'table')) unopened.push(name)
  }
  const counts: KeylessCounts = { blobs: 0, storedBytes: 0, bytesRead: 0 }
  if (!stores.includes('metadata') || unopened.includes('metadata')) return { ...counts, complete: true, unopened }
  const scratch = await scratchDirectory(scope)
  await copyLevelStore(join(dataDir, 'metadata'), join(scratch, 'metadata'))
  // Nobody can say whether its end is there without the key: the copy opens as it is.
  const mark = (): Buffer => Buffer.alloc(16)
  const metadata = await openLevelStore(join(scratch, 'metadata'), { mark, onFailure: () => {}, onLoss: () => {} })
  scope.defer(() => metadata.close())
  const blobs = openStoredBlobs(dataDir, config['storage-classes'], scope)
  const pace = bytePace(options.mibPerSecond, signal)
  const { lt } = rowsUnder(Buffer.of(0xff))
  for (let gte: Buffer = Buffer.alloc(0); !signal.aborted; ) {
    const rows = await metadata.range(SPACE.blob, { gte, lt, limit: PAGE })
    for (const { key } of rows) {
      if (signal.aborted) break
      const blob = key.toString('latin1')
      await pace.take(HEADER_SIZE)
      const problem = await problemOf(metadata, blobs, blob, counts)
      if (problem) onFinding(adviseOn(problem))
      counts.bytesRead = pace.taken()
      onProgress(counts)
    }
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) break
    gte = Buffer.concat([last.key, Buffer.of(0)])
  }
  return { ...counts, complete: !signal.aborted, unopened }
}

async function problemOf(
  metadata: MetadataStore,
  blobs: StoredBlobs,
  blob: string,
  counts: KeylessCounts,
): Promise<Problem | undefined> {
  try {
    const chunks: Buffer[] = []
    for await (const chunk of blobs.get(blob, { start: 0, end: HEADER_SIZE })) chunks.push(chunk)
    const info = await blobs.stat(blob)
    if (!info) return { kind: 'content-cut', ...atBlob(blob), damage: 'its end is missing' }
    counts.blobs++
    counts.storedBytes += info.lengthBytes
    return await wrongWith(metadata, blob, Buffer.concat(chunks), info.lengthBytes)
  } catch (error) {
    if (closedBy(error) !== undefined) return undefined
    return { ...faultOf(error), ...atBlob(blob) }
  }
}

/** A part, or a manifest that has a blob of its own. */
async function wrongWith(
  metadata: MetadataStore,
  blob: string,
  start: Buffer,
  lengthBytes: number,
): Promise<Problem | undefined> {
  if (isSmallEnvelope(start)) return undefined
  const header = attempt(() => decodeHeader(start))
  if (!header) {
    const damage = 'it begins neither like a part nor like a manifest'
    return { kind: 'content-damaged', ...atBlob(blob), damage }
  }
  const { blobId, partNumber, segmentSize } = header
  const part = partNumber === 0 ? {} : { part: partNumber }
  if (plainLength(lengthBytes, segmentSize) === undefined) {
    return { kind: 'content-cut', ...part, ...atBlob(blob), damage: `no part has a length of ${lengthBytes} bytes` }
  }
  // A row of a part stays as long as its blob is kept, but while a removal was cut short.
  if (partNumber === 0 || (await metadata.get(SPACE.part, partKey(blobId, partNumber)))) return undefined
  const garbage = await metadata.range(SPACE.garbage, { ...rowsUnder(Buffer.of(0)), limit: 1 })
  if (garbage.length > 0) return undefined
  const damage = `it is part ${partNumber} under the envelope ${blobId.toString('hex')}, which no row has`
  return { kind: 'content-exchanged', ...part, ...atBlob(blob), damage }
}

const isSmallEnvelope = (start: Buffer): boolean =>
  attempt(() => keyRefOf(Buffer.concat([start, Buffer.alloc(8)]))) !== undefined

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
