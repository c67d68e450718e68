import { type ByteSource, u32 } from './bytes.ts'
import { sha256 } from './ciphers.ts'
import { damaged } from './errors.ts'
import { isList, type Members, members, numberIn, optionalMembers, optionalText, parseJson, textIn } from './json.ts'
import { openManifestJson, readManifest } from './manifest.ts'
import { type RootKeys, unwrapUnderBucketKey } from './root-keys.ts'
import { openPart } from './stored-part.ts'

// docs/record-format.md, section 10.

const MAGIC_BYTES = 4
const MAX_HEADER_BYTES = 2 * 1024 * 1024

/** The plaintext of a version that another bucket sealed, part by part. Throws KeyMissing, Forged, Damaged. */
export function openSealedReplica(replica: ByteSource, keys: RootKeys): ByteSource[] {
  const { header, end } = readHeader(replica)
  const what = 'the header of a sealed replica'
  const bucketId = textIn(header, 'bucketId', what)
  const key = textIn(header, 'key', what)
  const blobId = Buffer.from(textIn(header, 'blobId', what), 'hex')
  const dek = openDek(header, keys, bucketId, blobId, what)
  const [manifestEntry, partEntries] = [header['manifest'], header['parts']]
  if (!isList(manifestEntry) || !isList(partEntries)) throw damaged(`${what} names no manifest or no parts`)
  let at = end
  const next = (length: unknown, digest: unknown, whose: string): ByteSource => {
    if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0)
      throw damaged(`${whose} has no length`)
    if (at + length > replica.length) throw damaged(`${whose} is cut off`)
    const from = at
    at += length
    const bytes: ByteSource = { length, read: (offset, count) => replica.read(from + offset, count) }
    // The digests only tell damage early; tags tell the rest.
    if (length <= MAX_HEADER_BYTES && sha256(bytes.read(0, length)).toString('hex') !== digest)
      throw damaged(`${whose} has another digest than its header says`)
    return bytes
  }
  const sealedManifest = next(manifestEntry[0], manifestEntry[1], 'the manifest of a sealed replica')
  const place = { bucketId, key, versionId: textIn(header, 'versionId', what), blobId }
  const manifest = readManifest(openManifestJson(dek, place, sealedManifest.read(0, sealedManifest.length)))
  if (manifest.sizeBytes !== numberIn(header, 'sizeBytes', what) || manifest.parts.length !== partEntries.length)
    throw damaged(`${what} and the manifest differ`)
  return manifest.parts.map(({ number, salt, length }, index) => {
    const entry = partEntries[index]
    const [partNumber, stored, digest] = isList(entry) ? entry : []
    if (partNumber !== number) throw damaged(`${what} has its parts in another order than the manifest`)
    const bytes = next(stored, digest, `part ${number} of a sealed replica`)
    return openPart(dek, { bucketId, key, blobId, partNumber: number }, salt, length, bytes)
  })
}

function readHeader(replica: ByteSource): { readonly header: Members; readonly end: number } {
  const what = 'a sealed replica'
  const start = replica.read(0, Math.min(MAGIC_BYTES + u32(0).length, replica.length))
  if (start.length < 8 || start.toString('latin1', 0, MAGIC_BYTES) !== 'CSR1')
    throw damaged(`${what} has another magic`)
  const length = start.readUInt32BE(MAGIC_BYTES)
  if (length > MAX_HEADER_BYTES) throw damaged(`${what} has a header that is too large`)
  const header = members(parseJson(replica.read(8, length), `the header of ${what}`), `the header of ${what}`)
  if (header['v'] !== 1) throw damaged(`${what} is of another version`)
  return { header, end: 8 + length }
}

function openDek(header: Members, keys: RootKeys, bucketId: string, blobId: Buffer, what: string): Buffer {
  const rootKeyCrn = textIn(header, 'rootKeyCrn', what)
  const bound = optionalText(header, 'context')
  const context = ['oef1', 'dek', bucketId, blobId.toString('hex'), ...(bound === undefined ? [] : [bound])]
  const ciphertext = Buffer.from(textIn(header, 'dek', what), 'base64')
  const bucketKey = optionalMembers(header, 'bucketKey')
  if (!bucketKey) {
    const keyVersion = textIn(header, 'keyVersion', what)
    return keys.unwrap({ rootKeyCrn, keyVersion, context, ciphertext }, 'the data key of a sealed replica')
  }
  const id = textIn(bucketKey, 'keyId', what)
  const wrapped = {
    rootKeyCrn,
    keyVersion: textIn(bucketKey, 'keyVersion', what),
    context: ['oef1', 'bkk', bucketId, id],
    ciphertext: Buffer.from(textIn(bucketKey, 'ciphertext', what), 'base64'),
  }
  return unwrapUnderBucketKey(
    { id, key: keys.unwrap(wrapped, 'the bucket key of a sealed replica') },
    ciphertext,
    context,
  )
}
