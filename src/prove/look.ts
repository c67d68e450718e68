import { createHash } from 'node:crypto'
import type { Canary } from './canaries.ts'
import { type Findings, newFindings } from './findings.ts'
import { type Hits, newHits } from './hits.ts'
import { isKnownDirectory, KINDS, kindOf, type Looking } from './kinds.ts'
import { type Search, searchFor } from './search.ts'
import { checkStore } from './store-check.ts'
import { newTally } from './tally.ts'
import { chunksOf, entriesOf, type TreeDigest, type TreeEntry, type TreeRoot, treeDigester } from './tree.ts'

/** What a look without keys found. */
export interface Look {
  readonly tree: TreeDigest
  readonly kinds: readonly object[]
  readonly rows: readonly object[]
  readonly blobs: Readonly<Record<string, number>>
  readonly records: Readonly<Record<string, object>>
  readonly hits: readonly object[]
  readonly findings: Findings
}

/** Reads every byte of every file, and every name, without keys. */
export function look(roots: readonly TreeRoot[], canaries: readonly Canary[], progress: (done: string) => void): Look {
  const search = searchFor(canaries)
  const hits = newHits()
  const [tally, findings] = [newTally(), newFindings()]
  const stores = {
    metadata: checkStore('metadata', search, hits, tally, findings),
    iam: checkStore('iam', search, hits, tally, findings),
    kms: checkStore('kms', search, hits, tally, findings),
  }
  const looking: Looking = { tally, findings, stores }
  const digester = treeDigester()
  const entries = entriesOf(roots)
  const open = entries.filter(({ kind, mode }) => kind !== 'directory' && mode & 0o077)
  if (open.length > 0)
    findings.note(open[0]?.name ?? '', `and ${open.length - 1} more may be used by others than their owner`)
  for (const entry of entries) {
    const { name, size } = entry
    if (entry.kind === 'directory') {
      digester.addDirectory(name)
      lookAtDirectory(entry, search, hits, findings)
    } else digester.add(name, size, lookAt(entry, search, hits, looking))
    progress(name)
  }
  const [metadata, iam, kms] = [stores.metadata.end(), stores.iam.end(), stores.kms.end()]
  const inClear = new Map(KINDS.map(({ kind, inClear: says }) => [kind, says]))
  return {
    tree: digester.end(),
    kinds: tally.files().map((row) => ({ ...row, inClear: inClear.get(row.kind) ?? '' })),
    rows: tally.rows(),
    blobs: tally.blobs(),
    records: { metadata, iam, kms },
    hits: hits.end(findings, (name) => kindOf(name)?.isClear ?? false),
    findings,
  }
}

const SOCKET = 'coffer.sock'

/** The SHA-256 of the file. */
function lookAt(file: TreeEntry, search: Search, hits: Hits, looking: Looking): string {
  const { findings, tally } = looking
  const { name, size } = file
  const kind = file.kind === 'file' ? kindOf(name) : undefined
  const label = kind?.kind ?? (file.kind === 'socket' ? 'socket' : 'not known')
  tally.file(label, size)
  for (const hit of search.in(Buffer.from(name))) hits.add(hit, name, 'the name of the file', '')
  if (file.kind === 'socket' && name === SOCKET) {
    findings.note(name, 'the socket of a server that is running, or did not stop in order')
    return ''
  }
  if (file.kind !== 'file') {
    findings.problem(name, 'is neither a file nor a directory')
    return ''
  }
  const sha256 = searchFile(file, search, hits)
  if (kind) kind.check(file, label, looking)
  else {
    findings.problem(name, `a file that no data directory has, of ${size} bytes`)
    tally.unexplained(label, size)
  }
  return sha256
}

/** Of one that holds no file nothing else would tell. */
function lookAtDirectory({ name }: TreeEntry, search: Search, hits: Hits, findings: Findings): void {
  for (const hit of search.in(Buffer.from(name))) hits.add(hit, name, 'the name of the directory', '')
  if (!isKnownDirectory(name)) findings.problem(name, 'a directory that no data directory has')
}

function searchFile({ name, path }: TreeEntry, search: Search, hits: Hits): string {
  const digest = createHash('sha256')
  const overlap = Math.max(0, search.longest - 1)
  let from = 0
  for (const { offset, bytes } of chunksOf(path, overlap)) {
    digest.update(bytes.subarray(from - offset))
    // What ends in what was kept of the chunk before was found there.
    for (const hit of search.in(bytes))
      if (offset + hit.end > from) hits.add(hit, name, 'the bytes of the file', `@${offset + hit.offset}`)
    from = offset + bytes.length
  }
  return digest.digest('hex')
}
