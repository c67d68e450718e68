import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { contentStream, hashOf } from '../support/content.ts'
import { same } from './check.ts'

const MIB = 1024 * 1024

/** Files by their path in a directory, with their lengths in bytes. */
export type Tree = Readonly<Record<string, number>>

/** What a backup or a copy of a directory meets: nothing, little, much, deep places, names that have to be escaped. */
export const SAMPLE_TREE: Tree = {
  empty: 0,
  'one byte': 1,
  'deep/er/and/deeper/64K-1': 65_535,
  'deep/er/64K': 65_536,
  'deep/64K+1': 65_537,
  'names/a b+c&d=e#g%20h': 1000,
  'names/ünï☃😀': 1001,
  'names/(brackets) [and] {braces}': 1002,
  'large/12 MiB': 12 * MIB,
  'large/20 MiB and 1': 20 * MIB + 1,
  ...Object.fromEntries(Array.from({ length: 40 }, (_, number) => [`many/file-${number}`, 10 * number + 1])),
}

/** Writes files of pseudo-random content that follows from `seed` and the path. */
export async function writeTree(directory: string, tree: Tree, seed = ''): Promise<void> {
  for (const [name, lengthBytes] of Object.entries(tree)) {
    const file = path.join(directory, name)
    await mkdir(path.dirname(file), { recursive: true })
    await pipeline(contentStream(`${seed}${name}`, lengthBytes), createWriteStream(file))
  }
}

/** The hash of each file by its path, in the order of the paths. */
export async function hashesUnder(directory: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
  const hashes: Record<string, string> = {}
  for (const file of files.sort()) {
    const { hash, lengthBytes } = await hashOf(createReadStream(file))
    hashes[path.relative(directory, file)] = `${lengthBytes} ${hash}`
  }
  return hashes
}

/** Throws unless both directories hold the same files with the same bytes. */
export async function sameTrees(what: string, got: string, wanted: string): Promise<void> {
  const [left, right] = [await hashesUnder(got), await hashesUnder(wanted)]
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])]
  const different = names.filter((name) => left[name] !== right[name])
  same(`${what}: files that differ`, different, [])
}
