import { sha256 } from '../decrypt/ciphers.ts'
import type { DataDirectory } from '../decrypt/data-directory.ts'
import { isDecryptError } from '../decrypt/errors.ts'
import { listObjects, type ObjectRow } from '../decrypt/objects.ts'
import type { Findings } from './findings.ts'
import { SPACES } from './spaces.ts'

export interface Sample {
  readonly seed: string
  /** Rows of the store of buckets and objects: all of them are opened. */
  readonly rowsOpened: number
  readonly objects: number
  readonly chosen: number
  readonly opened: number
  readonly keysMissing: number
  readonly plaintextBytes: number
  /** By envelope id, so that a report names nobody's objects. */
  readonly contents: readonly object[]
}

/**
 * With keys: opens every row of the metadata, and of so many objects, chosen by the seed, everything: data key, commitment,
 * manifest, and each segment's tag.
 */
export function takeSample(directory: DataDirectory, count: number, seed: string, findings: Findings): Sample {
  const rowsOpened = openRows(directory, findings)
  const { chosen, total } = choose(allObjects(directory), count, seed)
  const totals = { opened: 0, keysMissing: 0, plaintextBytes: 0 }
  const contents = chosen.map((object) => {
    const { blobId, sizeBytes } = object
    const at = { envelope: blobId.toString('hex'), sizeBytes }
    try {
      const { manifest, pieces } = directory.open(object)
      let bytes = 0
      for (const piece of pieces()) bytes += piece.length
      totals.opened++
      totals.plaintextBytes += bytes
      return { ...at, parts: manifest.parts.length, outcome: 'opened' }
    } catch (error) {
      if (!isDecryptError(error)) throw error
      if (error.code === 'KeyMissing') {
        totals.keysMissing++
        return { ...at, outcome: 'keys missing' }
      }
      findings.problem(`object of envelope ${at.envelope}`, error.message)
      return { ...at, outcome: error.code }
    }
  })
  return { seed, rowsOpened, objects: total, chosen: chosen.length, ...totals, contents }
}

function openRows({ rows }: DataDirectory, findings: Findings): number {
  let opened = 0
  for (const space of Object.keys(SPACES.metadata).map(Number)) {
    for (const { key, open } of rows.startingWith(space, Buffer.alloc(0))) {
      try {
        open()
        opened++
      } catch (error) {
        if (!isDecryptError(error)) throw error
        findings.problem(`metadata, space ${space}, row ${key.toString('hex').slice(0, 64)}`, error.message)
      }
    }
  }
  return opened
}

function* allObjects({ rows, buckets }: DataDirectory): Generator<ObjectRow> {
  for (const bucket of buckets())
    for (const one of listObjects(rows, bucket, { versions: true })) if ('blobId' in one) yield one
}

/** Each with the same chance, in one pass: reservoir sampling, drawn from SHA-256 of seed and number. */
function choose(objects: Iterable<ObjectRow>, count: number, seed: string): { chosen: ObjectRow[]; total: number } {
  const chosen: ObjectRow[] = []
  let total = 0
  for (const object of objects) {
    total++
    if (chosen.length < count) chosen.push(object)
    else {
      const drawn = sha256(Buffer.from(`${seed}:${total}`)).readUIntBE(0, 6) / 2 ** 48
      const place = Math.floor(drawn * total)
      if (place < count) chosen[place] = object
    }
  }
  return { chosen, total }
}
