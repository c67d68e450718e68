import { crc32 } from 'node:zlib'
import { canonicalJson } from '../../envelope/canonical-json.ts'
import { SEQUENCE_KEY, sequenceOf } from '../../storage/metadata/level-format.ts'
import { encodePairs, pairBytes, pairsOf, type StoredPair } from '../../storage/metadata/stored-rows.ts'
import { blobIdOf } from './blob-files.ts'
import { backupError, type Chunk, type StoreEntry } from './manifest.ts'
import type { RepositoryWriter } from './repository.ts'

/** Before the pairs of a chunk: its format. */
export const CHUNK_MARK = Buffer.from('CBR1', 'latin1')

const MIN_BYTES = 32 * 1024
const MAX_BYTES = 1024 ** 2
/** One key in so many may end a chunk: by what it is, so that the ends stay where they are when rows come and go. */
const END_IN = 128

const mayEnd = ([key]: StoredPair): boolean => crc32(key) % END_IN === 0

export interface CopiedRows {
  readonly entry: StoreEntry
  readonly addedBytes: number
}

/** All rows of a store, as chunks that later backups share as far as they have the same. */
export async function copyRows(
  repository: RepositoryWriter,
  name: StoreEntry['name'],
  stream: AsyncIterable<Uint8Array>,
  onBlob: (id: string) => void,
): Promise<CopiedRows> {
  const chunks: Chunk[] = []
  let [waiting, waitingBytes]: [StoredPair[], number] = [[], 0]
  let [rows, bytes, addedBytes] = [0, 0, 0]
  let sequence: number | undefined

  const end = async (): Promise<void> => {
    if (waiting.length === 0) return
    const chunk = await repository.put(Buffer.concat([CHUNK_MARK, encodePairs(waiting)]))
    chunks.push([chunk.sha256, chunk.bytes, waiting.length])
    if (chunk.isNew) addedBytes += chunk.bytes
    ;[waiting, waitingBytes] = [[], 0]
  }
  for await (const pairs of pairsOf(stream)) {
    for (const pair of pairs) {
      const [key, value] = pair
      const blob = blobIdOf(key)
      if (blob !== undefined) onBlob(blob)
      if (key.equals(SEQUENCE_KEY)) sequence = sequenceOf(value)
      waiting.push(pair)
      waitingBytes += pairBytes(pair)
      rows++
      bytes += pairBytes(pair)
      if (waitingBytes >= MAX_BYTES || (waitingBytes >= MIN_BYTES && mayEnd(pair))) await end()
    }
  }
  await end()
  // It is written first of all in every store.
  if (sequence === undefined)
    throw backupError('BackupInterrupted', `the rows of ${name}/ came without its sequence number`)
  const list = await repository.put(Buffer.from(canonicalJson(chunks), 'utf8'))
  if (list.isNew) addedBytes += list.bytes
  return { entry: { name, sequence, rows, bytes, chunks: list.sha256 }, addedBytes }
}
