import { API, callJson } from './http.ts'
import { session } from './session.ts'

/** What a decision was taken by. */
export interface DecidedBy {
  readonly kind: string
  readonly role?: string
  readonly policyId?: string
  readonly name?: string
}

/** A line of the audit log, with the parts of a plain sentence about it. */
export interface ActivityEntry {
  readonly seq: number
  readonly time: string
  readonly kind: string
  readonly action: string
  readonly outcome: 'success' | 'failure'
  readonly code?: string
  readonly reason?: string
  readonly iamId?: string
  readonly target?: string
  readonly object?: string
  readonly key?: string
  readonly keyVersion?: string
  readonly use?: string
  /** In the words of whoever did it. */
  readonly why?: string
  readonly requestId?: string
  readonly sourceIp?: string
  readonly said: {
    readonly who: { readonly id?: string; readonly name?: string; readonly kind?: string }
    readonly did: string
    readonly what: {
      readonly bucket?: string
      readonly object?: string
      readonly rootKey?: string
      readonly name?: string
    }
    readonly decidedBy?: DecidedBy
  }
}

export interface ActivityPage {
  readonly entries: readonly ActivityEntry[]
  /** Follow from here, with `after`. */
  readonly latest: number
  /** There may be older ones: `before`. */
  readonly next?: number
}

export interface ActivityInput {
  readonly who?: string | undefined
  /** An action, or the beginning of some with `*`; several with commas. */
  readonly did?: string | undefined
  readonly what?: string | undefined
  readonly kind?: string | undefined
  readonly bucket?: string | undefined
  readonly object?: string | undefined
  /** CRN or id of a root key. */
  readonly key?: string | undefined
  readonly outcome?: string | undefined
  readonly use?: string | undefined
  readonly requestId?: string | undefined
  /** ISO 8601. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly limit?: number
  readonly before?: number | undefined
  readonly after?: number | undefined
  /** With `after`: seconds to wait for something new. */
  readonly wait?: number
}

const PATH = `${API}/admin/v1/activity`

/** Newest first; with `after`, oldest first. */
export const listActivity = async (input: ActivityInput = {}, signal?: AbortSignal): Promise<ActivityPage> =>
  (await callJson(PATH, { query: { ...input }, signal })) as ActivityPage

export interface FoundActivity {
  readonly entries: readonly ActivityEntry[]
  /** Undefined: there is nothing older that was not looked through. */
  readonly unseenBefore: number | undefined
}

/** Of a couple of seconds each, in a log of any length. */
const MOST_LOOKS = 10

/** The newest entries, so many at most, through as much of the log as can be waited for. */
export async function newestActivity(
  { limit, before, ...input }: ActivityInput & { readonly limit: number },
  signal?: AbortSignal,
): Promise<FoundActivity> {
  const entries: ActivityEntry[] = []
  let unseenBefore = before
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const query = { ...input, limit: limit - entries.length, before: unseenBefore }
    const page = await listActivity(query, signal)
    entries.push(...page.entries)
    unseenBefore = page.next
    if (unseenBefore === undefined || entries.length >= limit) break
  }
  return { entries, unseenBefore }
}

/** Where the lines themselves are, as a file. */
export const activityExportPath = (input: ActivityInput = {}): string => {
  const given = Object.entries({ ...input, format: 'ndjson' }).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  )
  return `${PATH}?${new URLSearchParams(given)}`
}

/** Whoever it was, as people call them. */
export const whoOf = ({ said: { who }, iamId }: Pick<ActivityEntry, 'said' | 'iamId'>): string =>
  nameOfId(who.id ?? iamId ?? 'somebody', who.name)

/** Of a service: its instance. */
export const nameOfId = (id: string, name?: string): string =>
  name || (session().instances.find(({ guid }) => id.includes(guid))?.name ?? id)
