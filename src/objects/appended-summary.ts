import { compositeDigest } from '../base/checksums.ts'
import { combineCrcs, isCombinable } from '../base/crc-combine.ts'
import type { WrittenBody } from './body-writer.ts'
import type { Manifest, ManifestPart, StoredChecksum } from './content.ts'
import { ObjectsError } from './errors.ts'

/** Not the MD5 of the bytes any more, which its form says: of the former ETag and the new part's, with the number of parts. */
export function appendedEtag(former: string, part: string, parts: number): string {
  const digests = [former.replace(/-\d+$/, ''), part].map((hex) => Buffer.from(hex, 'hex'))
  return `${compositeDigest('md5', digests).toString('hex')}-${parts}`
}

/** The parts as they are, each with its own checksum where the object has one. */
export function formerParts({ parts, checksum }: Manifest): readonly ManifestPart[] {
  const [only, ...others] = parts
  // The checksum of a plain object is that of its one part.
  if (!only || others.length > 0 || only.checksum !== undefined || checksum?.type !== 'FULL_OBJECT') return parts
  return [{ ...only, checksum: checksum.value }]
}

/**
 * Of the object with its new part. What was taken over all bytes goes on so where that can be computed (CRCs); else it is a
 * checksum of the parts' checksums.
 */
export function appendedChecksum(
  former: Manifest,
  { sizeBytes, checksum: added }: Pick<WrittenBody, 'sizeBytes' | 'checksum'>,
): StoredChecksum | undefined {
  const { checksum } = former
  if (!checksum || !added) return undefined
  const { algorithm, type } = checksum
  if (type === 'FULL_OBJECT' && isCombinable(algorithm)) {
    const before = { digest: Buffer.from(checksum.value, 'base64'), sizeBytes: former.sizeBytes }
    const value = combineCrcs(algorithm, [before, { digest: added.digest, sizeBytes }]).toString('base64')
    return { algorithm, type, value }
  }
  const digests = formerParts(former).map(({ number, checksum: own }) => {
    if (own !== undefined) return Buffer.from(own, 'base64')
    throw new ObjectsError('AppendRefused', `The checksum of part ${number} of the object is not known.`)
  })
  const composite = compositeDigest(algorithm, [...digests, added.digest])
  return { algorithm, type: 'COMPOSITE', value: `${composite.toString('base64')}-${digests.length + 1}` }
}
