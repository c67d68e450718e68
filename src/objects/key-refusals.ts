import { hasCode } from '../base/errors.ts'
import type { KeyProviderErrorCode } from '../envelope/key-provider.ts'
import type { ObjectsErrorCode } from './errors.ts'

/** What root keys answered in place of doing what they were asked for, by CRN. */
export type KeyRefusals = Map<string, unknown>

/** Refusals of a key service, and wrong keys, which end by themselves or by somebody's doing. */
export const isWaiting = (error: unknown): boolean =>
  hasCode<KeyProviderErrorCode | ObjectsErrorCode>(
    error,
    'BucketKeyWrong',
    'RootKeyNotFound',
    'RootKeyDisabled',
    'KeyAccessDenied',
    'KeyProviderUnavailable',
  )

/**
 * What keeps all that is under one root key from being rewrapped, and nothing else. A version that has wrapped all it may is
 * followed by another one, and slots by room for others.
 */
export const isOfOneKey = (error: unknown): boolean =>
  isWaiting(error) || hasCode(error, 'WrapBudgetSpent', 'TooManyKeys')

/** Does it under the root key, unless that has refused before; undefined when it refuses. */
export async function unlessRefused<T>(
  refusals: KeyRefusals,
  rootKeyCrn: string,
  act: () => Promise<T>,
): Promise<T | undefined> {
  if (refusals.has(rootKeyCrn)) return undefined
  try {
    return await act()
  } catch (error) {
    if (!isOfOneKey(error)) throw error
    refusals.set(rootKeyCrn, error)
    return undefined
  }
}
