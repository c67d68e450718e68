import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestHouse } from './house.ts'

/** Where a blob's bytes lie on the disk, as docs/storage-format.md says. */
export interface BlobPlace {
  readonly path: string
  /** First byte of the blob; a packed one has the 16 bytes of its record's header before it. */
  readonly start: number
  readonly lengthBytes: number
  readonly packed: boolean
}

/** The blobs that `work` added to the store, with the bytes they have on the disk. */
export async function blobsAddedBy(test: TestHouse, work: () => Promise<unknown>): Promise<BlobPlace[]> {
  const before = new Set((await blobsOf(test)).map(({ id }) => id))
  await work()
  return (await blobsOf(test))
    .filter(({ id }) => !before.has(id))
    .map(({ id, lengthBytes }) => placeOf(test, id, lengthBytes))
}

async function blobsOf({ house }: TestHouse) {
  await house.objects.garbage.settled()
  const pages = await Promise.all(
    (await house.blobs.leases()).map((lease) => house.blobs.list(lease, undefined, 10_000)),
  )
  return pages.flat()
}

function placeOf({ dataDir }: TestHouse, id: string, lengthBytes: number): BlobPlace {
  const [lease = '', kind, name = '', offset = ''] = id.split('/')
  if (kind === 'f') return { path: join(dataDir, 'blobs', id), start: 0, lengthBytes, packed: false }
  const start = Number.parseInt(offset, 16) + 16
  return { path: join(dataDir, 'blobs', lease, 'p', name), start, lengthBytes, packed: true }
}

export const readBlob = async ({ path, start, lengthBytes }: BlobPlace): Promise<Buffer> =>
  (await readFile(path)).subarray(start, start + lengthBytes)

/** Changes bytes in place; `at` counts from the blob's first byte and is negative in the header of a packed one. */
export async function writeAt(
  { path, start }: Pick<BlobPlace, 'path' | 'start'>,
  at: number,
  bytes: Buffer,
): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.length, start + at)
  await file.close()
}

export async function flipAt(place: Pick<BlobPlace, 'path' | 'start'>, at: number): Promise<void> {
  const { path, start } = place
  const byte = (await readFile(path))[start + at] ?? 0
  await writeAt(place, at, Buffer.from([byte ^ 1]))
}

/** Only for a blob with a file of its own. */
export async function rewrite({ path, packed }: BlobPlace, change: (bytes: Buffer) => Buffer): Promise<void> {
  if (packed) throw new Error('a packed blob shares its file')
  await writeFile(path, change(await readFile(path)))
}
