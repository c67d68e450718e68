import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Dice } from '../../support/content.ts'
import type { JournalEntry } from './journal.ts'

/**
 * What a power cut keeps besides what was synced.
 * `bytes`: all names; of the bytes that were not synced any part, torn or as zeros.
 * `ordered`: names, too, only up to some moment since the last sync of anything, as ext4 and XFS journal them.
 * `strict`: a name only by a sync of its directory, or of the file that was made under it; any others may be there.
 */
export const STRICTNESS = ['bytes', 'ordered', 'strict'] as const
export type Strictness = (typeof STRICTNESS)[number]

interface Piece {
  readonly sequence: number
  readonly offset: number
  /** Undefined: the file is cut to `offset`. */
  readonly data: Buffer | undefined
}

interface Inode {
  readonly kind: 'file' | 'directory'
  durable: Buffer
  unsynced: Piece[]
}

/** A change of one name. What it does is done to a tree; the tree after all of them is the one that the server saw. */
interface NameChange {
  readonly sequence: number
  readonly directories: readonly string[]
  readonly inode: Inode | undefined
  readonly apply: (tree: Map<string, Inode>) => void
}

const TORN_AT = 512
const ROOT = '.'

/** The directory as the journal's calls left it, and as a power cut at its end may leave it. */
export interface Disk {
  /** With everything: what the server saw. */
  readonly seen: () => Map<string, Buffer | undefined>
  /** Once. */
  readonly cut: (strictness: Strictness, dice: Dice) => Map<string, Buffer | undefined>
}

/** `before`: the files, all of them durable, that were there when the journal began. */
export function replay(before: ReadonlyMap<string, Buffer | undefined>, journal: readonly JournalEntry[]): Disk {
  const durable = new Map([[ROOT, inodeOf(undefined)]])
  for (const [name, bytes] of before) durable.set(name, inodeOf(bytes))
  const current = new Map(durable)
  let pending: NameChange[] = []
  const opened = new Map<number, Inode>()
  /** Through which all names are durable where names are journaled in order. */
  let orderedUpTo = 0

  const change = (
    entry: JournalEntry,
    inode: Inode | undefined,
    apply: NameChange['apply'],
    ...names: string[]
  ): void => {
    const directories = names.map((name) => path.dirname(name))
    pending.push({ sequence: entry.sequence, directories, inode, apply })
    apply(current)
  }
  const settle = (isDurable: (one: NameChange) => boolean): void => {
    const left: NameChange[] = []
    for (const one of pending) {
      if (isDurable(one)) one.apply(durable)
      else left.push(one)
    }
    pending = left
  }

  const opens = (entry: JournalEntry): void => {
    let inode = current.get(entry.path)
    if (inode === undefined) {
      if (!entry.creates) return
      const made = inodeOf(Buffer.alloc(0))
      inode = made
      change(entry, made, (tree) => tree.set(entry.path, made), entry.path)
    } else if (entry.empties) inode.unsynced.push({ sequence: entry.sequence, offset: 0, data: undefined })
    opened.set(entry.opened, inode)
  }
  const syncs = (entry: JournalEntry): void => {
    const inode = opened.get(entry.opened)
    if (inode === undefined) return
    if (inode.kind === 'file') {
      const done = inode.unsynced.filter(({ sequence }) => sequence <= entry.upTo)
      inode.durable = done.reduce(applied, inode.durable)
      inode.unsynced = inode.unsynced.filter(({ sequence }) => sequence > entry.upTo)
    }
    orderedUpTo = Math.max(orderedUpTo, entry.upTo)
    const before = (one: NameChange): boolean => one.sequence <= entry.upTo
    // Its own name comes with a file; those in a directory with the directory.
    if (inode.kind === 'directory') settle((one) => before(one) && one.directories.includes(entry.path))
    else settle((one) => before(one) && one.inode === inode)
  }

  for (const entry of journal) {
    const { op, path: name, path2 } = entry
    if (op === 'open' || op === 'look') opens(entry)
    else if (op === 'write') {
      opened.get(entry.opened)?.unsynced.push({ sequence: entry.sequence, offset: entry.offset, data: entry.data })
    } else if (op === 'truncate') {
      opened.get(entry.opened)?.unsynced.push({ sequence: entry.sequence, offset: entry.offset, data: undefined })
    } else if (op === 'fsync' || op === 'fdatasync') syncs(entry)
    else if (op === 'mkdir') {
      const made = inodeOf(undefined)
      change(entry, made, (tree) => tree.set(name, made), name)
    } else if (op === 'unlink' || op === 'rmdir') change(entry, undefined, (tree) => tree.delete(name), name)
    else if (op === 'rename' || op === 'link') {
      const moved = current.get(name)
      if (moved === undefined) continue
      const apply = (tree: Map<string, Inode>): void => {
        if (op === 'rename') tree.delete(name)
        tree.set(path2, moved)
      }
      change(entry, undefined, apply, name, path2)
    }
  }

  return {
    seen: () => filesOf(current, ({ durable, unsynced }) => unsynced.reduce(applied, durable)),
    cut: (strictness, dice) => {
      const tree = strictness === 'bytes' ? current : new Map(durable)
      if (strictness === 'ordered') {
        const since = pending.filter(({ sequence }) => sequence > orderedUpTo)
        const kept = pending.length - since.length + dice.below(since.length + 1)
        for (const one of pending.slice(0, kept)) one.apply(tree)
      }
      if (strictness === 'strict') for (const one of pending) if (dice.below(2) === 0) one.apply(tree)
      return filesOf(tree, (inode) => survivor(inode, dice))
    },
  }
}

function filesOf(tree: ReadonlyMap<string, Inode>, bytesOf: (inode: Inode) => Buffer): Map<string, Buffer | undefined> {
  const found = new Map<string, Buffer | undefined>()
  for (const [name, inode] of [...tree].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // Without its directory nothing is there.
    if (name === ROOT || !isReachable(tree, name)) continue
    found.set(name, inode.kind === 'directory' ? undefined : bytesOf(inode))
  }
  return found
}

const inodeOf = (bytes: Buffer | undefined): Inode => ({
  kind: bytes === undefined ? 'directory' : 'file',
  durable: bytes ?? Buffer.alloc(0),
  unsynced: [],
})

function isReachable(tree: ReadonlyMap<string, Inode>, name: string): boolean {
  const above = path.dirname(name)
  return above === ROOT || (tree.get(above)?.kind === 'directory' && isReachable(tree, above))
}

function applied(bytes: Buffer, { offset, data }: Piece): Buffer {
  if (data === undefined) {
    return bytes.length >= offset
      ? bytes.subarray(0, offset)
      : Buffer.concat([bytes, Buffer.alloc(offset - bytes.length)])
  }
  const end = offset + data.length
  const longer = Buffer.alloc(Math.max(bytes.length, end))
  bytes.copy(longer)
  data.copy(longer, offset)
  return longer
}

/** Of each write that was not synced nothing, all, a piece, or its length with zeros for bytes. */
function survivor(inode: Inode, dice: Dice): Buffer {
  let bytes = inode.durable
  for (const piece of inode.unsynced) {
    const fate = dice.below(5)
    if (fate === 0) continue
    if (piece.data === undefined || fate <= 2) bytes = applied(bytes, piece)
    else if (fate === 3) {
      const torn = Math.min(piece.data.length, TORN_AT * dice.below(Math.ceil(piece.data.length / TORN_AT) + 1))
      bytes = applied(bytes, { ...piece, data: piece.data.subarray(0, torn) })
    } else bytes = applied(bytes, { ...piece, data: Buffer.alloc(piece.data.length) })
  }
  return bytes
}

/** Every file below a directory with its bytes, and every directory. */
export async function readTree(root: string): Promise<Map<string, Buffer | undefined>> {
  const tree = new Map<string, Buffer | undefined>()
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name)
    tree.set(path.relative(root, file), entry.isDirectory() ? undefined : await readFile(file))
  }
  return tree
}

/** Puts a tree in the place of what is below a directory. */
export async function writeTree(root: string, tree: ReadonlyMap<string, Buffer | undefined>): Promise<void> {
  for (const name of await readdir(root)) await rm(path.join(root, name), { recursive: true, force: true })
  for (const [name, bytes] of [...tree].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const file = path.join(root, name)
    if (bytes === undefined) await mkdir(file, { mode: 0o700 })
    else await writeFile(file, bytes, { mode: 0o600 })
  }
}
