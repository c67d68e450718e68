import { encodeList } from '../base/bytes.ts'
import type { RecordCipher } from '../base/nonces.ts'
import type { Json } from './bucket-document.ts'
import { objectOf, type Sections, section } from './record-codec.ts'
import type { Replication } from './replication/status.ts'

export interface Tag {
  readonly key: string
  readonly value: string
}

export interface ObjectLock {
  readonly mode?: 'GOVERNANCE' | 'COMPLIANCE' | undefined
  readonly retainUntilMs?: number | undefined
  readonly legalHold?: boolean | undefined
  /** Of protected buckets (protection.ts): without a mode. Negative ones have no end. */
  readonly periodSeconds?: number | undefined
  readonly holds?: readonly LegalHold[] | undefined
}

export interface LegalHold {
  readonly id: string
  readonly atMs: number
}

/** What can be known, and changed, of an object version without its DEK; the engine does not ask what an ACL says. */
export interface PlainProperties {
  /** Canonical id of who wrote it. Missing: the bucket's owner. */
  readonly owner?: { readonly id: string; readonly displayName: string } | undefined
  readonly acl?: Json
  readonly lock?: ObjectLock
  /** Missing: STANDARD. */
  readonly storageClass?: string
  /** Of a version that is replicated, or a replica. */
  readonly replication?: Replication
  /** Under which token of its client it got its name, and from which one. */
  readonly renamed?: { readonly token: string; readonly from: string }
}

/** What may change of an object version while its bytes stay. */
export interface ObjectProperties extends PlainProperties {
  readonly tags?: readonly Tag[]
}

/** As records have them. Tags are the user's data: sealed under the bucket metadata key, as a summary is. */
export interface StoredProperties extends PlainProperties {
  readonly sealedTags?: Buffer
}

interface Identified {
  readonly id: string
}

const tagsAad = (bucket: Identified, key: string, blobId: Buffer): Buffer =>
  encodeList(['OEF1/tags', bucket.id, key, blobId])

/** For an upload with the envelope id of the object that it becomes, so that what is sealed goes over as it is. */
export function sealProperties(
  cipher: RecordCipher,
  bucket: Identified,
  key: string,
  blobId: Buffer,
  { tags = [], ...plain }: ObjectProperties,
): StoredProperties {
  if (tags.length === 0) return plain
  const text = Buffer.from(JSON.stringify(tags.map((tag) => [tag.key, tag.value])), 'utf8')
  return { ...plain, sealedTags: cipher.seal(tagsAad(bucket, key, blobId), text) }
}

export function openTags(
  cipher: RecordCipher,
  bucket: Identified,
  key: string,
  blobId: Buffer,
  { sealedTags }: StoredProperties,
): readonly Tag[] {
  if (!sealedTags) return []
  // What authenticates was written above.
  const pairs: [string, string][] = JSON.parse(cipher.open(tagsAad(bucket, key, blobId), sealedTags).toString('utf8'))
  return pairs.map(([name, value]) => ({ key: name, value }))
}

/** The members `x`, absent when there is nothing to say, and `xt`: the record's last section is the sealed tags. */
export function propertiesMembers({ sealedTags, ...plain }: StoredProperties): { x?: PlainProperties; xt?: true } {
  return {
    ...(Object.values(plain).some((value) => value !== undefined) ? { x: plain } : {}),
    ...(sealedTags ? { xt: true } : {}),
  }
}

export const propertiesSection = ({ sealedTags }: StoredProperties): Buffer[] => (sealedTags ? [sealedTags] : [])

/** `index`: of the section that sealed tags are in. */
export function propertiesFrom(json: Record<string, unknown>, sections: Sections, index: number): StoredProperties {
  const plain: PlainProperties = json['x'] === undefined ? {} : objectOf(json['x'])
  return json['xt'] === true ? { ...plain, sealedTags: section(sections, index) } : plain
}
