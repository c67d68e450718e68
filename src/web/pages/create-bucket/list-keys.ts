import { keyLabel, listKeys, listKeyVersions, listRegistrations, type RootKey } from '../../client/key-protect.ts'
import type { Instance } from '../../client/session.ts'

/** A root key with what people ask of it before they choose it. */
export interface KeyToChoose {
  readonly key: RootKey
  readonly label: string
  /** Its versions are numbered from 1. Undefined: not known. */
  readonly version: number | undefined
  /** That are registered under it. Undefined: not known. */
  readonly buckets: number | undefined
}

/** More keys than that are listed without their versions: each takes a call. */
const MOST_VERSIONS = 60

export async function listKeysToChoose(instance: Instance, signal?: AbortSignal): Promise<readonly KeyToChoose[]> {
  const [keys, registrations] = await Promise.all([
    listKeys(instance, { states: [1, 2, 3], signal }),
    listRegistrations(instance, undefined, signal).catch(() => undefined),
  ])
  const versions = await Promise.all(
    keys.map(async ({ id }, index) =>
      index < MOST_VERSIONS ? listKeyVersions(instance, id, signal).catch(() => undefined) : undefined,
    ),
  )
  return keys.map((key, index) => ({
    key,
    label: keyLabel(key),
    version: versions[index]?.length,
    buckets: registrations?.filter(({ keyId }) => keyId === key.id).length,
  }))
}
