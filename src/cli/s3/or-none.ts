import { member } from '../json.ts'

const NONE = new Set([
  'NoSuchBucketPolicy',
  'NoSuchLifecycleConfiguration',
  'ObjectLockConfigurationNotFoundError',
  'ServerSideEncryptionConfigurationNotFoundError',
  'NoSuchTagSet',
  'NoSuchCORSConfiguration',
  'NoSuchObjectLockConfiguration',
  'AccessDenied',
  'NotImplemented',
  'MethodNotAllowed',
])

/** Undefined where there is none, or the caller may not know. */
export async function orNone<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked
  } catch (error) {
    if (NONE.has(String(member(error, 'name')))) return undefined
    throw error
  }
}
