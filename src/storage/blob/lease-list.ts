import { hasErrno } from '../errno.ts'
import { FILE, formatBlobId, LEASE, PACK, parseBlobId, SHARD } from './blob-id.ts'
import type { BlobId, BlobInfo } from './blob-store.ts'
import type { DiskFs } from './disk-fs.ts'
import { scanPack } from './pack-scan.ts'

/** The names in a directory that match, in byte order; none when it is not there. */
export async function namesIn(disk: DiskFs, directory: string, pattern: RegExp): Promise<string[]> {
  try {
    return (await disk.readdir(directory)).filter((name) => pattern.test(name)).sort()
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

export interface LeaseListOptions {
  readonly disk: DiskFs
  readonly root: string
  /** Where scanning of a pack ends: its durable size while it is appended to. */
  readonly packEnd: (path: string) => number | undefined
  /** Called for a pack that was looked through and holds nothing live. */
  readonly onEmptyPack: (path: string) => Promise<void>
}

/** The blobs of a lease strictly after `after`, in byte order of their ids: its files, then the records of its packs. */
export async function* listLease(
  options: LeaseListOptions,
  lease: string,
  after: BlobId | undefined,
): AsyncGenerator<BlobInfo> {
  if (!LEASE.test(lease)) return
  yield* listFiles(options, lease, after)
  yield* listPacks(options, lease, after)
}

const isAfter = (id: BlobId, after: BlobId | undefined): boolean => after === undefined || id > after

/** True when every id that starts with `prefix` sorts at or before `after`. */
const allBefore = (prefix: string, after: BlobId | undefined): boolean =>
  after !== undefined && prefix < after && !after.startsWith(prefix)

async function* listFiles(
  { disk, root }: LeaseListOptions,
  lease: string,
  after: BlobId | undefined,
): AsyncGenerator<BlobInfo> {
  const files = `${root}/${lease}/f`
  for (const shard of await namesIn(disk, files, SHARD)) {
    if (allBefore(`${lease}/f/${shard}/`, after)) continue
    for (const file of await namesIn(disk, `${files}/${shard}`, FILE)) {
      const id = formatBlobId({ kind: 'file', lease, shard, file })
      if (!isAfter(id, after)) continue
      const lengthBytes = await disk.sizeOf(`${files}/${shard}/${file}`).catch(undefinedWhenMissing)
      if (lengthBytes !== undefined) yield { id, lengthBytes }
    }
  }
}

async function* listPacks(
  options: LeaseListOptions,
  lease: string,
  after: BlobId | undefined,
): AsyncGenerator<BlobInfo> {
  const { disk, root } = options
  for (const pack of await namesIn(disk, `${root}/${lease}/p`, PACK)) {
    if (allBefore(`${lease}/p/${pack}/`, after)) continue
    yield* listPack(options, lease, pack, after)
  }
}

async function* listPack(
  { disk, root, packEnd, onEmptyPack }: LeaseListOptions,
  lease: string,
  pack: string,
  after: BlobId | undefined,
): AsyncGenerator<BlobInfo> {
  const path = `${root}/${lease}/p/${pack}`
  const last = after === undefined ? undefined : parseBlobId(after)
  const from = last?.kind === 'packed' && last.lease === lease && last.pack === pack ? last.offset : 0
  const fd = await disk.open(path, 'r').catch(undefinedWhenMissing)
  if (fd === undefined) return
  let live = 0
  try {
    const end = packEnd(path) ?? (await disk.sizeOf(path))
    for await (const record of scanPack(disk, fd, from, end)) {
      if (!record.live) continue
      live++
      const id = formatBlobId({ kind: 'packed', lease, pack, ...record })
      if (isAfter(id, after)) yield { id, lengthBytes: record.lengthBytes }
    }
  } finally {
    await disk.close(fd).catch(() => {})
  }
  if (live === 0 && from === 0) await onEmptyPack(path)
}

function undefinedWhenMissing(error: unknown): undefined {
  if (!hasErrno(error, 'ENOENT')) throw error
}
