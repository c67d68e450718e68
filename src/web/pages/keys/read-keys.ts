import { getKeyUsage, type KeyUsage } from '../../client/admin.ts'
import { listKeys, listKeyVersions, listRegistrations, type RootKey } from '../../client/key-protect.ts'
import { type Instance, keyInstances, session } from '../../client/session.ts'

export interface ListedKey {
  readonly key: RootKey
  readonly instance: Instance
  /** Buckets that it protects; undefined when it may not be known. */
  readonly buckets: readonly string[] | undefined
}

const EVERY_STATE = [0, 1, 2, 3, 5]

/** Of every instance that may be seen; an instance that refuses is left out when another one answers. */
export async function readKeys(signal: AbortSignal): Promise<readonly ListedKey[]> {
  const answers = await Promise.allSettled(keyInstances().map((instance) => keysOf(instance, signal)))
  const refused = answers.find((answer) => answer.status === 'rejected')
  if (refused && answers.every((answer) => answer.status === 'rejected')) throw refused.reason
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
}

async function keysOf(instance: Instance, signal: AbortSignal): Promise<readonly ListedKey[]> {
  const [keys, registrations] = await Promise.all([
    listKeys(instance, { states: EVERY_STATE, signal }),
    listRegistrations(instance, undefined, signal).catch(() => undefined),
  ])
  return keys.map((key) => ({
    key,
    instance,
    buckets: registrations?.filter(({ keyId }) => keyId === key.id).map(({ resourceCrn }) => bucketOf(resourceCrn)),
  }))
}

/** `crn:…:bucket:<name>` */
export const bucketOf = (crn: string): string => crn.slice(crn.lastIndexOf(':') + 1)

/** What takes a call for each key, so only of those that are shown. */
export interface KeyExtra {
  readonly versions: number | undefined
  readonly bytes: number | undefined
}

const MOST_ASKED = 60

export async function readExtras(
  keys: readonly ListedKey[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KeyExtra>> {
  const asked = keys.filter(({ key }) => key.state !== 5).slice(0, MOST_ASKED)
  const extras = asked.map(async ({ key, instance, buckets }): Promise<readonly [string, KeyExtra]> => {
    const [versions, usage] = await Promise.all([
      listKeyVersions(instance, key.id, signal).catch(() => undefined),
      session().halves.objects && buckets?.length !== 0
        ? getKeyUsage(key.crn, signal).catch(() => undefined)
        : undefined,
    ])
    return [key.crn, { versions: versions?.length, bytes: buckets?.length === 0 ? 0 : usage && bytesOf(usage) }]
  })
  return new Map(await Promise.all(extras))
}

export const bytesOf = ({ versions }: Pick<KeyUsage, 'versions'>): number =>
  versions.reduce((sum, { bytes }) => sum + bytes, 0)
export const objectsOf = ({ versions }: Pick<KeyUsage, 'versions'>): number =>
  versions.reduce((sum, { objects }) => sum + objects, 0)
