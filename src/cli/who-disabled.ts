import { newestEntries } from './audit-log.ts'
import { member, textOf } from './json.ts'
import type { KeyStateName, RootKey } from './key-protect.ts'
import type { Server } from './server.ts'
import { whenText } from './units.ts'

/** Who made a key unusable, when and why. */
export interface Deed {
  readonly who: string
  readonly at: string
  /** In their own words. */
  readonly why?: string
}

const DEEDS: Readonly<Partial<Record<KeyStateName, string>>> = {
  disabled: 'kms.secrets.disable',
  destroyed: 'kms.secrets.delete',
}

/** As far as the caller may see the audit log; undefined for a key that can be used. */
export async function whoDisabled(server: Server, { crn, state }: RootKey): Promise<Deed | undefined> {
  const did = DEEDS[state]
  if (did === undefined) return undefined
  const found = await newestEntries(server, { key: crn, did, outcome: 'success' }, 1).catch(() => undefined)
  const entry = found?.entries[0]
  const at = textOf(entry, 'time')
  if (at === undefined) return undefined
  const who = member(member(entry, 'said'), 'who')
  const why = textOf(entry, 'why')
  return { who: textOf(who, 'name') ?? textOf(who, 'id') ?? 'somebody', at, ...(why === undefined ? {} : { why }) }
}

export const deedText = ({ who, at, why }: Deed, nowMs: number): string =>
  `by ${who}, ${whenText(at, nowMs)}${why === undefined ? '' : `: “${why}”`}`
