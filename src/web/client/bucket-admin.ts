import { API, callJson } from './http.ts'

const bucketPath = (bucket: string): string => `${API}/admin/v1/buckets/${encodeURIComponent(bucket)}`

export type RootKeyState = 'pre-active' | 'active' | 'suspended' | 'deactivated' | 'destroyed'

export interface EnvelopeRootKey {
  readonly crn: string
  readonly name?: string
  readonly aliases?: readonly string[]
  readonly state?: RootKeyState
}

export interface EnvelopeFacts {
  readonly bucket: string
  readonly key: string
  readonly versionId: string
  readonly sizeBytes: number
  readonly modifiedAt: string
  readonly encryption: 'provider-managed' | 'customer-managed'
  readonly algorithm: 'AES256' | 'aws:kms' | 'aws:kms:dsse'
  readonly customerKey: boolean
  readonly sealedReplica: boolean
  readonly rootKey?: EnvelopeRootKey
  readonly rootKeyVersion?: { readonly id: string; readonly number?: number; readonly createdAt?: string }
  readonly bucketKey?: { readonly id: string }
  readonly ownKey: boolean
  readonly dataKey: { readonly fingerprint: string; readonly wrappedBytes: number; readonly encryptionContext: boolean }
  readonly envelopeId: string
  readonly stored?: {
    readonly format: string
    readonly cipher: string
    readonly segmentBytes: number
    readonly parts: number
    readonly layers: readonly { readonly segments: number; readonly ciphertextBytes: number }[]
  }
}

/** How an object is sealed; also of a locked bucket. */
export const getEnvelope = async (
  bucket: string,
  key: string,
  versionId?: string,
  signal?: AbortSignal,
): Promise<EnvelopeFacts> =>
  (await callJson(`${bucketPath(bucket)}/envelope`, { query: { key, versionId }, signal })) as EnvelopeFacts

export interface SimulateQuestion {
  readonly action: string
  readonly resource?: string
  readonly principal?: string
}

/** May whoever is signed in, or somebody, do this? Nothing is done. */
export async function mayDo(question: SimulateQuestion, signal?: AbortSignal): Promise<boolean> {
  const answer = await callJson(`${API}/admin/v1/simulate`, { method: 'POST', json: question, signal })
  return (answer as { readonly allowed: boolean }).allowed
}

export interface ShareInput {
  readonly bucket: string
  readonly key: string
  readonly versionId?: string | undefined
  /** At most 7 days. */
  readonly expiresInSeconds: number
}

export interface SharedLink {
  readonly url: string
  readonly expiresAt: string
}

/** A link that reads the object with the rights of whoever is signed in. */
export const shareObject = async (json: ShareInput): Promise<SharedLink> =>
  (await callJson(`${API}/admin/v1/share`, { method: 'POST', json })) as SharedLink
