import type { StoreName } from '../decrypt/rows.ts'
import { checkBlobFile, checkPack } from './blob-files.ts'
import type { Findings } from './findings.ts'
import { checkLog, checkManifest, checkTable, storeIn } from './level-files.ts'
import { checkLines, checkText, isAuditLine, isLevelInfoLine, isRestoreMark, isSealFile } from './plain-files.ts'
import type { StoreCheck } from './store-check.ts'
import type { Tally } from './tally.ts'
import type { TreeEntry } from './tree.ts'

export interface Looking {
  readonly tally: Tally
  readonly findings: Findings
  readonly stores: Readonly<Record<StoreName, StoreCheck>>
}

/** One kind of file: docs/storage-format.md, section 1. Names are relative; those of storage classes begin with `@<class>/`. */
interface Kind {
  readonly name: RegExp
  readonly kind: string
  /** What of it is in clear by design. */
  readonly inClear: string
  /** All of it is, and it names objects. */
  readonly isClear?: boolean
  readonly check: (file: TreeEntry, kind: string, looking: Looking) => void
}

const text =
  (form: RegExp): Kind['check'] =>
  (file, kind, { tally, findings }) =>
    checkText(file, kind, (content) => form.test(content), tally, findings)
const WITNESS = /^\{"v":1,"sequence":\d{1,15},"mark":"[0-9a-f]{32}"\}\n$/
const withStore =
  (
    check: (file: TreeEntry, kind: string, store: StoreCheck, tally: Tally, findings: Findings) => void,
  ): Kind['check'] =>
  (file, kind, { stores, tally, findings }) => {
    const name = storeIn(file.name)
    if (name) check(file, kind, stores[name], tally, findings)
  }
const STORE = '(metadata|iam|kms)'
const of = (rest: string): RegExp => new RegExp(`^${STORE}/${rest}$`)

const entry = (kind: string, name: RegExp, inClear: string, check: Kind['check']): Kind => ({
  kind,
  name,
  inClear,
  check,
})
/** In clear altogether, and names of objects are in it. */
const clear = (...of: Parameters<typeof entry>): Kind => ({ ...entry(...of), isClear: true })

export const KINDS: readonly Kind[] = [
  entry('lock', /^coffer\.lock$/, 'nothing: it is empty', text(/^$/)),
  entry(
    'process id',
    /^coffer\.pid$/,
    'process id and time of the last process',
    text(/^\d{1,10} \d{4}-\d\d-\d\dT[\d:.]{8,12}Z\n$/),
  ),
  entry(
    'seal file',
    /^instance-key\.json(\.old)?$/,
    'id of the instance key; with a passphrase the parameters of Argon2id and the sealed instance key',
    (file, kind, { tally, findings }) => checkText(file, kind, isSealFile, tally, findings),
  ),
  entry('witness', /^(metadata|iam|kms)\.witness$/, 'a sequence number and its mark', text(WITNESS)),
  entry(
    'draft of a witness',
    /^(metadata|iam|kms)\.witness\.new$/,
    'as of a witness, or a part of it',
    text(/^[{}"\w:,\n]{0,100}$/),
  ),
  entry(
    'mark of a restore',
    /^(restoring|restored)\.json$/,
    'id and time of the backup, place of the repository',
    (file, kind, { tally, findings }) => checkText(file, kind, isRestoreMark, tally, findings),
  ),
  entry(
    'mark of a storage class',
    /^(storage-classes\/[^/]+|@[^/]+\/coffer-storage-class)$/,
    'name of the class, an id',
    text(/^[\w-]{1,64} [0-9a-f-]{36}\n$/),
  ),
  entry(
    'LevelDB table',
    of(String.raw`\d+\.(ldb|sst)`),
    'keys of rows, sequence numbers, epochs and counters, framing',
    withStore(checkTable),
  ),
  entry('LevelDB log', of(String.raw`\d+\.log`), 'as of a LevelDB table', withStore(checkLog)),
  clear(
    'LevelDB manifest',
    of(String.raw`MANIFEST-\d+`),
    'numbers of files, first and last keys of tables',
    (file, kind, { tally, findings }) => checkManifest(file, kind, tally, findings),
  ),
  entry('LevelDB pointer', of(String.raw`(CURRENT|\d+\.dbtmp)`), 'name of the manifest', text(/^MANIFEST-\d{6,}\n$/)),
  entry('LevelDB lock', of('LOCK'), 'nothing: it is empty', text(/^$/)),
  clear(
    'LevelDB diary',
    of(String.raw`LOG(\.old)?`),
    'times, numbers of files; keys of rows',
    (file, kind, { tally, findings }) => checkLines(file, kind, isLevelInfoLine, tally, findings),
  ),
  clear(
    'audit log',
    /^audit\/audit-\d{10}\.jsonl(\.[0-9a-f-]{36}\.tmp)?$/,
    'all: who did what with which key and bucket, names of objects, addresses; signed, without keys and content',
    (file, kind, { tally, findings }) => checkLines(file, kind, isAuditLine, tally, findings),
  ),
  entry(
    'blob',
    /^(@[^/]+\/)?blobs\/[0-9a-f]{16}\/f\/[0-9a-f]{8}\/[0-9a-f]{3}$/,
    'header: magic, version, suite, segment size, envelope id, part number, salt, commitment; the length',
    (file, kind, { tally, findings }) => checkBlobFile(file, kind, tally, findings),
  ),
  entry(
    'pack of blobs',
    /^(@[^/]+\/)?blobs\/[0-9a-f]{16}\/p\/[0-9a-f]{8}$/,
    'of each blob 16 bytes of framing and its header, as of a blob',
    (file, kind, { tally, findings }) => checkPack(file, kind, tally, findings),
  ),
]

export const kindOf = (name: string): Kind | undefined => KINDS.find((kind) => kind.name.test(name))

const BLOBS = String.raw`(@[^/]+\/)?blobs(\/[0-9a-f]{16}(\/p|\/f(\/[0-9a-f]{8})?)?)?`
const DIRECTORY = new RegExp(String.raw`^(${STORE}|audit|storage-classes|${BLOBS}|(@[^/]+\/)?lost\+found)$`)

/** `lost+found` is the file system's, where a disk is mounted there. */
export const isKnownDirectory = (name: string): boolean => DIRECTORY.test(name)
