import { createHash } from 'node:crypto'
import { closeSync, type Dirent, lstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'

export interface TreeEntry {
  /** With forward slashes, relative to the root; of a storage class behind `@<class>/`. */
  readonly name: string
  readonly path: string
  readonly kind: 'file' | 'directory' | 'socket' | 'other'
  readonly size: number
  readonly mode: number
}

export interface TreeRoot {
  readonly directory: string
  /** Before the names of its files. */
  readonly prefix: string
}

/** All that lies in the directories, they too, in the order of names; and what is neither. */
export function entriesOf(roots: readonly TreeRoot[]): TreeEntry[] {
  const found = roots.flatMap(({ directory, prefix }) =>
    readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const { size, mode } = lstatSync(path)
      const name = prefix + path.slice(directory.replace(/\/+$/, '').length + 1)
      return { name, path, kind: kindOf(entry), size, mode: mode & 0o777 }
    }),
  )
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function kindOf(entry: Dirent): TreeEntry['kind'] {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'directory'
  return entry.isSocket() ? 'socket' : 'other'
}

const CHUNK_BYTES = 1024 * 1024

/** Hands the bytes of a file on in chunks, each with the last `overlap` bytes of the one before in front of it. */
export function* chunksOf(path: string, overlap = 0): Generator<{ readonly offset: number; readonly bytes: Buffer }> {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(overlap + CHUNK_BYTES)
    let kept = 0
    for (let offset = 0; ; ) {
      const read = readSync(file, buffer, kept, CHUNK_BYTES, offset)
      if (read === 0) return
      yield { offset: offset - kept, bytes: buffer.subarray(0, kept + read) }
      offset += read
      const next = Math.min(overlap, kept + read)
      buffer.copyWithin(0, kept + read - next, kept + read)
      kept = next
    }
  } finally {
    closeSync(file)
  }
}

/**
 * What says later that nothing has changed since: SHA-256 of a line `name NUL size NUL SHA-256 LF` for each file, in order, and of a line
 * `name LF` for each directory.
 */
export interface TreeDigest {
  readonly files: number
  readonly bytes: number
  readonly sha256: string
  readonly directories: number
  readonly directoriesSha256: string
}

export interface TreeDigester {
  readonly add: (name: string, size: number, sha256: string) => void
  readonly addDirectory: (name: string) => void
  readonly end: () => TreeDigest
}

export function treeDigester(): TreeDigester {
  const digest = createHash('sha256')
  const directoriesDigest = createHash('sha256')
  let files = 0
  let bytes = 0
  let directories = 0
  return {
    add: (name, size, sha256) => {
      digest.update(`${name}\0${size}\0${sha256}\n`)
      files++
      bytes += size
    },
    addDirectory: (name) => {
      directoriesDigest.update(`${name}\n`)
      directories++
    },
    end: () => ({
      ...{ files, bytes, sha256: digest.digest('hex') },
      ...{ directories, directoriesSha256: directoriesDigest.digest('hex') },
    }),
  }
}

/** Reads everything once. */
export function digestTree(roots: readonly TreeRoot[]): TreeDigest {
  const digester = treeDigester()
  for (const { name, path, kind, size } of entriesOf(roots)) {
    if (kind === 'directory') {
      digester.addDirectory(name)
      continue
    }
    const digest = createHash('sha256')
    if (kind === 'file') for (const { bytes } of chunksOf(path)) digest.update(bytes)
    digester.add(name, size, digest.digest('hex'))
  }
  return digester.end()
}
