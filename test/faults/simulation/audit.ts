import { rowsUnder, SPACE } from '../../../src/objects/keyspace.ts'
import { decodeObject, decodePart, decodeVersion, isMarker } from '../../../src/objects/records.ts'
import { type Recount, recount } from '../../../src/objects/recount.ts'
import type { Entry, MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import type { Disk } from './stores.ts'

const everything = { gte: Buffer.alloc(0), lt: rowsUnder(Buffer.from([0xff])).lt, limit: 1_000_000 }

/** At any moment: the counters say what the records say. */
export const miscounts = ({ differences }: Recount): string[] =>
  differences.map(({ counted, stored, found }) => `${stored} ${counted} are counted where ${found} are found`)

/** When nothing runs and all is settled: what is stored is named, what is named is stored, and nothing waits to be removed. */
export async function leaks(disk: Disk, stored: MetadataStore): Promise<string[]> {
  const rows = (space: number): Promise<Entry[]> => stored.range(space, everything)
  const heads = (await rows(SPACE.head)).map(({ key, value }) => ({ key, record: decodeObject(value) }))
  const others = (await rows(SPACE.version)).flatMap(({ key, value }) => {
    const record = decodeVersion(value)
    return isMarker(record) ? [] : [{ key: key.subarray(0, -9), record }]
  })
  const objects = [...heads, ...others]
  const parts = (await rows(SPACE.part)).map(({ key, value }) => ({ key, record: decodePart(value) }))
  const uploads = (await rows(SPACE.upload)).map(({ key }) => key.subarray(-16).toString('hex'))
  const owners = new Map((await rows(SPACE.blob)).map(({ key, value }) => [key.toString('latin1'), value]))
  const found: string[] = []

  const named = new Map<string, Buffer>()
  // Every version was the head when its blobs were named.
  for (const { key, record } of objects) {
    if ('blob' in record.data) named.set(record.data.blob, Buffer.concat([Buffer.from([SPACE.head]), key]))
    if ('blob' in record.manifest) named.set(record.manifest.blob, Buffer.concat([Buffer.from([SPACE.head]), key]))
  }
  const partCounts = new Map<string, number>()
  for (const { key, record } of parts) {
    named.set(record.blob, Buffer.concat([Buffer.from([SPACE.part]), key]))
    const upload = key.subarray(0, 16).toString('hex')
    partCounts.set(upload, (partCounts.get(upload) ?? 0) + 1)
  }
  for (const { record } of objects) {
    const upload = record.blobId.toString('hex')
    if (!('partCount' in record.data)) continue
    if (partCounts.get(upload) !== record.data.partCount) found.push(`an object has not the parts that it counts`)
    partCounts.delete(upload)
  }
  for (const upload of partCounts.keys()) if (!uploads.includes(upload)) found.push('parts of no upload and no object')

  for (const [id, owner] of named) {
    if (!disk.has(id)) found.push(`blob ${id} is named but not stored`)
    if (!owners.get(id)?.equals(owner)) found.push(`blob ${id} has not the owner that names it`)
  }
  for (const id of owners.keys()) if (!named.has(id)) found.push(`blob ${id} has an owner but no name`)
  for (const id of disk.keys()) if (!owners.has(id)) found.push(`blob ${id} is stored but nobody's`)
  const garbage = await rows(SPACE.garbage)
  if (garbage.length > 0) found.push(`${garbage.length} rows of garbage are left`)
  return [...found, ...miscounts(await recount(stored))]
}

export async function leftOver(disk: Disk, stored: MetadataStore): Promise<string[]> {
  const found = await leaks(disk, stored)
  if ((await stored.counters(Buffer.alloc(0))).length > 0) found.push('counters are left of nothing')
  if (disk.size > 0) found.push(`${disk.size} blobs are left of nothing`)
  for (const name of ['bucket', 'head', 'version', 'history', 'upload', 'part', 'blob', 'rewrap'] as const) {
    const { length } = await stored.range(SPACE[name], everything)
    if (length > 0) found.push(`${length} rows of ${name} are left of nothing`)
  }
  return found
}
