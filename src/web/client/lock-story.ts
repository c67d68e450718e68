import { type ActivityEntry, listActivity, newestActivity } from './activity.ts'
import { getScrub } from './admin.ts'
import { ApiError } from './api-error.ts'
import { mayDo } from './bucket-admin.ts'
import { type BucketRootKey, causeOfState, type LockCause } from './bucket-facts.ts'
import { call } from './http.ts'
import { member, textOf } from './json.ts'
import type { RootKey } from './key-protect.ts'
import { objectPath } from './s3-path.ts'

/** Who made a key unusable, and when: as far as whoever is signed in may see the audit log. */
export interface Deed {
  readonly who: string
  readonly at: string
  /** In their own words; '' when they gave none. */
  readonly why: string
}

const DEEDS: Partial<Readonly<Record<LockCause, string>>> = {
  disabled: 'kms.secrets.disable',
  deleted: 'kms.secrets.delete',
}

/** Undefined also for who may not see the audit log. */
export async function whoDidIt(
  rootKeyCrn: string | undefined,
  cause: LockCause,
  signal?: AbortSignal,
): Promise<Deed | undefined> {
  const did = DEEDS[cause]
  if (rootKeyCrn === undefined || did === undefined) return undefined
  const query = { key: rootKeyCrn, did, outcome: 'success', limit: 1 }
  const found = await newestActivity(query, signal).catch(() => undefined)
  const [entry] = found?.entries ?? []
  return entry && deedOf(entry)
}

/** Of many keys at once. Undefined: none is unusable by what somebody did, or it is not known of this one. */
export type DeedOnKey = (key: RootKey) => { readonly deed: Deed; readonly cause: LockCause } | undefined

const MOST_DEEDS = 1000

/** One request, of the newest part of the audit log, and none where no key needs it. */
export async function whoDidThem(keys: readonly RootKey[], signal?: AbortSignal): Promise<DeedOnKey> {
  const isWanted = keys.some(({ state }) => DEEDS[causeOfState(state) ?? 'refused'] !== undefined)
  const query = { did: Object.values(DEEDS).join(), outcome: 'success', limit: MOST_DEEDS }
  const found = isWanted ? await listActivity(query, signal).catch(() => undefined) : undefined
  return ({ crn, state }) => {
    const cause = causeOfState(state)
    const did = cause && DEEDS[cause]
    if (cause === undefined || did === undefined) return undefined
    const entry = found?.entries.find(({ action, said }) => action === did && said.what.rootKey === crn)
    return entry && { deed: deedOf(entry), cause }
  }
}

function deedOf({ said: { who }, time, why }: ActivityEntry): Deed {
  return { who: who.name || who.id || 'Somebody', at: time, why: why ?? '' }
}

export interface ScrubFacts {
  readonly finishedAt: string | undefined
  readonly findings: number
  /** Versions and uploads that the look could not open: whether they are whole is not known. */
  readonly unopened: number
}

/** Of what is told of the scrub. */
export function unopenedIn(scrub: unknown): number {
  const counts: readonly unknown[] = Object.values(Object(member(scrub, 'notOpenable')))
  return counts.reduce<number>((sum, count) => (typeof count === 'number' ? sum + count : sum), 0)
}

/** Undefined: not for whoever is signed in, or nothing has been looked through yet. */
export async function readScrubFacts(signal?: AbortSignal): Promise<ScrubFacts | undefined> {
  const scrub = await getScrub(signal).catch(() => undefined)
  const finishedAt = textOf(scrub, 'finishedAt') || undefined
  const findings = member(scrub, 'findings')
  if (scrub === undefined) return undefined
  return { finishedAt, findings: typeof findings === 'number' ? findings : 0, unopened: unopenedIn(scrub) }
}

/** What mends it, and whether whoever is signed in may do that. */
export const mayEnable = async ({ key }: BucketRootKey, cause: LockCause, signal?: AbortSignal): Promise<boolean> => {
  const action = cause === 'deleted' ? 'kms.secrets.restore' : 'kms.secrets.enable'
  return mayDo({ action, resource: key.crn }, signal).catch(() => false)
}

/** What a client gets that reads an object: asked, and not guessed. */
export async function answerToRead(bucket: string, key: string, signal?: AbortSignal): Promise<ApiError | undefined> {
  try {
    const response = await call(objectPath(bucket, key), { headers: { range: 'bytes=0-0' }, signal })
    await response.body?.cancel()
    return undefined
  } catch (error) {
    return error instanceof ApiError ? error : undefined
  }
}
