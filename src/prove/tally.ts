import type { StoreName } from '../decrypt/rows.ts'
import { OWN_SPACES, SPACES } from './spaces.ts'

/** Bytes of one kind of file. Each byte of a file is in one of the three. */
export interface KindTally {
  files: number
  bytes: number
  /** Ciphertext and its tags. */
  sealedBytes: number
  /** In clear by design: headers, framing, keys of rows. */
  clearBytes: number
  /** Neither: a finding says where. */
  unexplainedBytes: number
}

interface SpaceTally {
  entries: number
  deletions: number
  keyBytes: number
  sealedBytes: number
}

/** What was read, by kinds. */
export interface Tally {
  readonly file: (kind: string, bytes: number) => void
  readonly sealed: (kind: string, bytes: number) => void
  readonly clear: (kind: string, bytes: number) => void
  readonly unexplained: (kind: string, bytes: number) => void
  /** `sealedBytes` undefined: the entry deletes its row. */
  readonly row: (store: StoreName, space: number, keyBytes: number, sealedBytes: number | undefined) => void
  readonly blob: (kind: 'part' | 'manifest', isRemoved: boolean) => void
  readonly files: () => ({ readonly kind: string } & KindTally)[]
  readonly rows: () => readonly object[]
  readonly blobs: () => Readonly<Record<string, number>>
}

export function newTally(): Tally {
  const kinds = new Map<string, KindTally>()
  const spaces = new Map<string, SpaceTally>()
  const blobs = { parts: 0, manifests: 0, removed: 0 }
  const of = (kind: string): KindTally => {
    const known = kinds.get(kind) ?? { files: 0, bytes: 0, sealedBytes: 0, clearBytes: 0, unexplainedBytes: 0 }
    kinds.set(kind, known)
    return known
  }
  return {
    file: (kind, bytes) => {
      const tally = of(kind)
      tally.files++
      tally.bytes += bytes
    },
    sealed: (kind, bytes) => {
      of(kind).sealedBytes += bytes
    },
    clear: (kind, bytes) => {
      of(kind).clearBytes += bytes
    },
    unexplained: (kind, bytes) => {
      of(kind).unexplainedBytes += bytes
    },
    row: (store, space, keyBytes, sealedBytes) => {
      const id = `${store}/${space}`
      const tally = spaces.get(id) ?? { entries: 0, deletions: 0, keyBytes: 0, sealedBytes: 0 }
      tally.entries++
      if (sealedBytes === undefined) tally.deletions++
      tally.keyBytes += keyBytes
      tally.sealedBytes += sealedBytes ?? 0
      spaces.set(id, tally)
    },
    blob: (kind, isRemoved) => {
      blobs[kind === 'part' ? 'parts' : 'manifests']++
      if (isRemoved) blobs.removed++
    },
    files: () => [...kinds].map(([kind, tally]) => ({ kind, ...tally })).toSorted((a, b) => (a.kind < b.kind ? -1 : 1)),
    rows: () => [...spaces].map(([id, tally]) => described(id, tally)),
    blobs: () => blobs,
  }
}

function described(id: string, tally: SpaceTally): object {
  const [store = '', number = ''] = id.split('/')
  const known =
    store === 'metadata' || store === 'iam' || store === 'kms'
      ? (SPACES[store][Number(number)] ?? OWN_SPACES[Number(number)])
      : undefined
  return { store, space: Number(number), what: known?.what ?? 'not known', inClear: known?.keyInClear ?? '', ...tally }
}
