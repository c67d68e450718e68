import type { Algorithm } from '../../../objects/encrypting.ts'
import type { ObjectLock, Tag } from '../../../objects/object-properties.ts'

export interface WrittenProperties {
  readonly headers?: Readonly<Record<string, string>>
  readonly tags: readonly Tag[]
  readonly lock: ObjectLock | undefined
  readonly storageClass: string | undefined
  /** Undefined: as the bucket has it. */
  readonly algorithm?: Algorithm | undefined
  readonly keyName?: string | undefined
}

/** What a request that writes a replica says of it, beside what its bytes are. */
export function writtenHeaders(written: WrittenProperties): Readonly<Record<string, string>> {
  const { headers, tags, lock, storageClass, algorithm, keyName } = written
  const { mode, retainUntilMs, legalHold } = lock ?? {}
  return {
    ...headers,
    ...(tags.length > 0
      ? { 'x-amz-tagging': new URLSearchParams(tags.map(({ key, value }) => [key, value])).toString() }
      : {}),
    ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }),
    ...(algorithm === undefined ? {} : { 'x-amz-server-side-encryption': algorithm }),
    ...(keyName === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': keyName }),
    ...(mode === undefined || retainUntilMs === undefined
      ? {}
      : {
          'x-amz-object-lock-mode': mode,
          'x-amz-object-lock-retain-until-date': new Date(retainUntilMs).toISOString(),
        }),
    ...(legalHold === undefined ? {} : { 'x-amz-object-lock-legal-hold': legalHold ? 'ON' : 'OFF' }),
  }
}
