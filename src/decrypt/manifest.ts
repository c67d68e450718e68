import { hkdf } from './ciphers.ts'
import { damaged } from './errors.ts'
import { isList, type Members, members, numberIn, parseJson, textIn, textsIn } from './json.ts'
import { openSmall } from './small-envelope.ts'

// docs/envelope-format.md, section 5; docs/record-format.md, section 4.

export interface ManifestPart {
  readonly number: number
  readonly length: number
  readonly salt: Buffer
}

export interface Manifest {
  readonly etag: string
  readonly sizeBytes: number
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly parts: readonly ManifestPart[]
}

export interface ManifestPlace {
  readonly bucketId: string
  readonly key: string
  readonly versionId: string
  readonly blobId: Buffer
}

/** The JSON value that is sealed. Throws Forged. */
export function openManifestJson(dek: Uint8Array, place: ManifestPlace, sealed: Buffer): unknown {
  const { bucketId, key, versionId, blobId } = place
  const opening = {
    kind: 1,
    key: hkdf(dek, blobId, 'OEF1/man\0'),
    context: [bucketId, key, versionId, blobId.toString('hex')],
    reference: blobId,
  }
  return parseJson(openSmall(opening, sealed, 'the manifest'), 'the manifest')
}

export function readManifest(json: unknown): Manifest {
  const what = 'the manifest'
  const all: Members = members(json, what)
  const parts = all['p']
  if (!isList(parts)) throw damaged(`${what} has no list of parts`)
  return {
    etag: textIn(all, 'e', what),
    sizeBytes: numberIn(all, 's', what),
    headers: textsIn(all, 'h', what),
    metadata: textsIn(all, 'u', what),
    parts: parts.map(readPart),
  }
}

function readPart(part: unknown): ManifestPart {
  const [number, length, salt] = isList(part) ? part : []
  if (typeof number !== 'number' || typeof length !== 'number' || typeof salt !== 'string')
    throw damaged('the manifest has a part that is none')
  return { number, length, salt: Buffer.from(salt, 'base64') }
}
