import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { ByteSource } from './bytes.ts'
import { DecryptError, damaged } from './errors.ts'

// docs/storage-format.md, sections 1, 3 and 4.

const FILE = /^([0-9a-f]{16})\/(?:@([^/]+)\/)?f\/([0-9a-f]{8})\/([0-9a-f]{3})$/
const PACKED = /^([0-9a-f]{16})\/(?:@([^/]+)\/)?p\/([0-9a-f]{8})\/([0-9a-f]{8})\/([0-9a-f]{8})$/
export const PACK_HEADER_BYTES = 16
const REMOVED = 0xff

export interface BlobDirectories {
  readonly directory: string
  /** Of storage classes beside STANDARD. */
  readonly classes: ReadonlyMap<string, string>
}

export interface OpenBlob extends ByteSource {
  readonly close: () => void
}

/** The stored bytes of a blob. Throws Damaged when they are not there, KeyMissing for a class without directory. */
export function openBlob(at: BlobDirectories, id: string): OpenBlob {
  const { path, packed } = placeOf(at, id)
  const file = open(path, id)
  const close = (): void => closeSync(file)
  try {
    const { size } = fstatSync(file)
    const whole: ByteSource = { length: size, read: (from, length) => readAt(file, from, length, size, path) }
    return { ...(packed ? packedIn(whole, packed, id) : whole), close }
  } catch (error) {
    close()
    throw error
  }
}

export function readBlob(at: BlobDirectories, id: string): Buffer {
  const blob = openBlob(at, id)
  try {
    return blob.read(0, blob.length)
  } finally {
    blob.close()
  }
}

interface Place {
  readonly path: string
  readonly packed?: { readonly offset: number; readonly length: number }
}

function placeOf({ directory, classes }: BlobDirectories, id: string): Place {
  const [, lease = '', className, ...rest] = FILE.exec(id) ?? PACKED.exec(id) ?? []
  if (lease === '') throw damaged(`${id} is no id of a blob`)
  const root = className === undefined ? directory : classes.get(className)
  if (root === undefined)
    throw new DecryptError(
      'KeyMissing',
      `blob ${id} is of storage class ${className}: give its directory with --class ${className}=DIR`,
    )
  const [first = '', second = '', third] = rest
  if (third === undefined) return { path: join(root, 'blobs', lease, 'f', first, second) }
  const packed = { offset: Number.parseInt(second, 16), length: Number.parseInt(third, 16) }
  return { path: join(root, 'blobs', lease, 'p', first), packed }
}

function open(path: string, id: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw damaged(`blob ${id} cannot be read (${reason}): ${path}`)
  }
}

function readAt(file: number, from: number, length: number, size: number, path: string): Buffer {
  if (from < 0 || from + length > size) throw damaged(`${path} has no bytes ${from} to ${from + length}`)
  const bytes = Buffer.alloc(length)
  if (readSync(file, bytes, 0, length, from) !== length) throw damaged(`${path} could not be read whole`)
  return bytes
}

function packedIn(pack: ByteSource, { offset, length }: NonNullable<Place['packed']>, id: string): ByteSource {
  const header = pack.read(offset, PACK_HEADER_BYTES)
  const problem = packHeaderProblem(header)
  if (problem !== undefined) throw damaged(`blob ${id} ${problem}`)
  if (isRemoved(header)) throw damaged(`blob ${id} was removed`)
  if (packedLength(header) !== length) throw damaged(`blob ${id} has a header of another length`)
  const begin = offset + PACK_HEADER_BYTES
  return {
    length,
    read: (at, count) => {
      if (at < 0 || at + count > length) throw damaged(`blob ${id} has no bytes ${at} to ${at + count}`)
      return pack.read(begin + at, count)
    },
  }
}

/** Without keys: what is wrong with the header of a record in a pack; undefined when nothing is. */
export function packHeaderProblem(header: Buffer): string | undefined {
  if (header.toString('latin1', 0, 4) !== 'CFPK') return 'has no header of a pack'
  if (header[4] !== 1) return 'is of another version'
  if (header[6] !== 0 || header[7] !== 0) return 'has reserved bytes that are not zero'
  const covered = Buffer.from(header.subarray(0, 12))
  covered[5] = 0
  return crc32(covered) === header.readUInt32BE(12) ? undefined : 'has a header whose checksum does not fit'
}

export const packedLength = (header: Buffer): number => header.readUInt32BE(8)
export const isRemoved = (header: Buffer): boolean => header[5] === REMOVED
