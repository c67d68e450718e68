import { z } from 'zod'
import { CodedError, hasCode } from '../base/errors.ts'
import { canonicalJson } from './canonical-json.ts'
import type { EnvelopeErrorCode } from './errors.ts'
import { checkPassphrase, newKdf, withPassphraseKey } from './passphrase-seal.ts'
import { kdf } from './seal-file.ts'
import { openSmall, SMALL_KIND, type SmallSealing, sealSmall } from './small-envelope.ts'

const FORMAT = 'coffer-keys-1'
const MAGIC = Buffer.from('CKB1', 'latin1')
const KEY_BYTES = 32

export type KeyBundleErrorCode =
  /** No bundle, one of a later Coffer, or damaged. */
  | 'KeyBundleInvalid'
  /** A wrong passphrase, or a bundle that was changed. */
  | 'KeyBundleWrong'

/** What a bundle says without its passphrase. */
export interface BundleHeader {
  readonly createdAt: string
  readonly instanceKeyId: string
}

export interface KeyBundle extends BundleHeader {
  /** 32 bytes; whoever opened the bundle zeroes them. */
  readonly instanceKey: Buffer
  /** Rows of the store `kms`, encoded. */
  readonly rows: Buffer
}

const bundle = z.object({
  format: z.literal(FORMAT),
  createdAt: z.iso.datetime(),
  instanceKeyId: z.string().regex(/^[0-9a-f]{32}$/),
  kdf,
  sealed: z.base64(),
})

/** Text of a key bundle (docs/backup.md, section 2.5). Throws InstanceKeyInvalid when the passphrase is too short. */
export async function sealKeyBundle(content: KeyBundle, passphrase: string): Promise<string> {
  checkPassphrase(passphrase)
  const { createdAt, instanceKeyId, instanceKey, rows } = content
  const header = { createdAt, instanceKeyId, kdf: newKdf() }
  const plaintext = Buffer.concat([MAGIC, instanceKey, rows])
  const keyRef = Buffer.from(instanceKeyId, 'hex')
  const sealed = await withPassphraseKey(passphrase, header.kdf, (key) =>
    sealSmall({ ...sealing(header, key), keyRef }, plaintext),
  )
  plaintext.fill(0)
  return `${canonicalJson({ format: FORMAT, ...header, sealed: sealed.toString('base64') })}\n`
}

/** Throws KeyBundleInvalid, KeyBundleWrong. */
export async function openKeyBundle(text: string, passphrase: string): Promise<KeyBundle> {
  const { sealed, format: _, ...header } = parsed(text)
  try {
    const plaintext = await withPassphraseKey(passphrase, header.kdf, (key) =>
      openSmall(sealing(header, key), Buffer.from(sealed, 'base64')),
    )
    if (!plaintext.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw invalid('what is sealed in it is of a later Coffer: use that one')
    }
    const { createdAt, instanceKeyId } = header
    const rowsAt = MAGIC.length + KEY_BYTES
    if (plaintext.length < rowsAt) throw invalid('there is no key in it')
    const instanceKey = Buffer.alloc(KEY_BYTES, plaintext.subarray(MAGIC.length, rowsAt))
    plaintext.fill(0, 0, rowsAt)
    return { createdAt, instanceKeyId, instanceKey, rows: plaintext.subarray(rowsAt) }
  } catch (error) {
    if (!hasCode<EnvelopeErrorCode>(error, 'EnvelopeForged')) throw error
    throw new CodedError<KeyBundleErrorCode>(
      'KeyBundleWrong',
      'the passphrase is not the one that the bundle was made with, or the bundle was changed',
      { cause: error },
    )
  }
}

function parsed(text: string): z.infer<typeof bundle> {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (cause) {
    throw invalid('it is no JSON', cause)
  }
  const format: unknown = typeof given === 'object' && given !== null ? Reflect.get(given, 'format') : undefined
  if (typeof format === 'string' && /^coffer-keys-\d+$/.test(format) && format !== FORMAT) {
    throw invalid(`its format is ${format}, of a later Coffer: use that one`)
  }
  const found = bundle.safeParse(given)
  if (found.success) return found.data
  throw invalid(`${found.error.issues[0]?.path.join('.')} is not as it has to be`)
}

const invalid = (why: string, cause?: unknown): CodedError<KeyBundleErrorCode> =>
  new CodedError('KeyBundleInvalid', `this is not a key bundle: ${why}`, cause === undefined ? {} : { cause })

type Header = Omit<z.infer<typeof bundle>, 'format' | 'sealed'>

const sealing = ({ createdAt, instanceKeyId, kdf: cost }: Header, key: Buffer): SmallSealing => ({
  kind: SMALL_KIND.keySealing,
  key,
  context: ['key-bundle', instanceKeyId, createdAt, canonicalJson(cost)],
})
