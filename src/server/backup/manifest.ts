import { z } from 'zod'
import { isBackupSignedBy, type PublicKeys } from '../../audit/keys.ts'
import { createHasher } from '../../base/checksums.ts'
import { CodedError } from '../../base/errors.ts'
import { randomId } from '../../base/ids.ts'
import { canonicalJson } from '../../envelope/canonical-json.ts'

/** Formats of docs/backup.md, which is normative. */
export const FORMAT = 'coffer-backup-1'

export type BackupErrorCode =
  /** It is none of ours, of a later Coffer, or damaged. */
  | 'BackupInvalid'
  /** Not as things are: something is missing, or there is no room. */
  | 'BackupRefused'
  /** Something is there already, and nothing is written over. */
  | 'BackupConflict'
  /** The server ended, or what it had was changed while it was copied: to be tried again. */
  | 'BackupInterrupted'

export const backupError = (code: BackupErrorCode, message: string, cause?: unknown): CodedError<BackupErrorCode> =>
  new CodedError(code, message, cause === undefined ? {} : { cause })

const BACKUP_ID = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/
export const isBackupId = (text: string): boolean => BACKUP_ID.test(text)

/** Later ones sort behind earlier ones, within a second, too: which one is the newest is told by its id. */
export function backupId(atMs: number): string {
  const at = new Date(atMs).toISOString().replaceAll(/[-:]/g, '').slice(0, 15)
  const milliseconds = (atMs % 1000).toString(16).padStart(3, '0')
  return `${at}Z-${milliseconds}${randomId().slice(0, 5).toLowerCase()}`
}

/** For a backup that is taken now, behind the newest one that there is, also when the clock was set back since. */
export function laterBackupId(newest: string | undefined, nowMs: number): string {
  return backupId(newest !== undefined && isBackupId(newest) ? Math.max(nowMs, timeOf(newest) + 1) : nowMs)
}

function timeOf(id: string): number {
  const [date, time] = [id.slice(0, 8), id.slice(9, 15)].map((digits) => digits.match(/../g) ?? [])
  const [century, year, month, day] = date ?? []
  const seconds = Date.parse(`${century}${year}-${month}-${day}T${time?.join(':')}Z`)
  return seconds + Number.parseInt(id.slice(17, 20), 16)
}

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.int().min(0)

const STORE_NAMES = ['iam', 'kms', 'metadata'] as const
const store = z.object({ name: z.enum(STORE_NAMES), sequence: count, rows: count, bytes: count, chunks: digest })

/** Whose backup it is, where several stores share a repository: the halves of a split server, for instance. */
export const storeOf = ({ instanceKeyId, stores }: Pick<Manifest, 'instanceKeyId' | 'stores'>): string =>
  `${instanceKeyId.slice(0, SHOWN_DIGITS)} ${stores.map(({ name }) => name).join('+')}`

const SHOWN_DIGITS = 8

/** Only what these let through becomes part of a path. */
const GROUP_PATH =
  /^(?:\.|audit|storage-classes|(?:classes\/[A-Z][A-Z0-9_]{0,63}\/)?blobs\/[0-9a-f]{16}\/(?:p|f\/[0-9a-f]{8}))$/
const FILE_NAME = /^(?:instance-key\.json|audit-\d{10}\.jsonl|[A-Z][A-Z0-9_]{0,63}|[0-9a-f]{8}|[0-9a-f]{3})$/

const group = z.object({ path: z.string().regex(GROUP_PATH), files: count, bytes: count, index: digest })

const body = z.object({
  format: z.literal(FORMAT),
  id: z.string().regex(BACKUP_ID),
  repositoryId: z.uuid(),
  takenAt: z.iso.datetime(),
  version: z.string(),
  instanceKeyId: z.string().regex(/^[0-9a-f]{32}$/),
  stores: z.array(store),
  groups: z.array(group),
  missing: z.array(z.string()),
  signingKeyId: z.string(),
})
const manifest = body.extend({ signature: z.string() })

export type ManifestBody = z.infer<typeof body>
export type Manifest = z.infer<typeof manifest>
export type StoreEntry = z.infer<typeof store>
export type GroupEntry = z.infer<typeof group>

const fileEntry = z.tuple([z.string().regex(FILE_NAME), count, z.array(z.tuple([digest, count]))])
const index = z.array(fileEntry)
const chunks = z.array(z.tuple([digest, count, count]))

/** `[name, bytes, [[SHA-256, bytes], …]]` */
export type FileEntry = z.infer<typeof fileEntry>
/** `[SHA-256, bytes, rows]` */
export type Chunk = z.infer<typeof chunks>[number]

export const digestOf = (manifestBody: object): string => sha256(Buffer.from(canonicalJson(manifestBody), 'utf8'))

export function sha256(bytes: Uint8Array): string {
  const hasher = createHasher('sha256')
  hasher.update(bytes)
  return hasher.digest().toString('hex')
}

export interface ReadManifest {
  readonly manifest: Manifest
  /** Of the manifest without its signature, with members that this version does not know. */
  readonly digest: string
}

/** Throws BackupInvalid. */
export function parseManifest(text: string, where: string): ReadManifest {
  const given = parseJson(text, where)
  if (typeof given !== 'object' || given === null) throw backupError('BackupInvalid', `${where} is no manifest`)
  const format: unknown = Reflect.get(given, 'format')
  if (typeof format === 'string' && format !== FORMAT) {
    throw backupError(
      'BackupInvalid',
      `${where} has the format ${format}, which this Coffer does not know: use a later one`,
    )
  }
  const { signature: _, ...signed } = Object.fromEntries(Object.entries(given))
  return { manifest: checked(manifest, given, where), digest: signedDigest(signed, where) }
}

/** Of members, too, that this version does not know, whatever they hold. */
function signedDigest(signed: object, where: string): string {
  try {
    return digestOf(signed)
  } catch (cause) {
    throw backupError(
      'BackupInvalid',
      `${where} is damaged: it has what JSON does not have, or is nested too deep`,
      cause,
    )
  }
}

export const parseIndex = (bytes: Buffer, where: string): FileEntry[] =>
  checked(index, parseJson(bytes.toString('utf8'), where), where)

export const parseChunks = (bytes: Buffer, where: string): Chunk[] =>
  checked(chunks, parseJson(bytes.toString('utf8'), where), where)

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw backupError('BackupInvalid', `${where} is damaged: it is no JSON`, cause)
  }
}

function checked<Schema extends z.ZodType>(schema: Schema, given: unknown, where: string): z.output<Schema> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw backupError('BackupInvalid', `${where} is damaged: ${issue?.path.join('.')}: ${issue?.message}`)
}

/** What is wrong with the signature, in words that follow "the manifest"; undefined when it is good. */
export function wrongSignature({ manifest: of, digest: signed }: ReadManifest, keys: PublicKeys): string | undefined {
  const key = keys.get(of.signingKeyId)
  if (!key) return `was signed by a key (${of.signingKeyId}) that was not given`
  return isBackupSignedBy(key, signed, of.signature) ? undefined : 'is not as it was signed: it was changed'
}
