import { labelled } from './key-face.ts'
import { findKey } from './key-protect.ts'
import type { Server } from './server.ts'

/** The account of the keys that belong to the store itself. */
const STORE = `a/${'0'.repeat(32)}`
export const NAME_OF_STORE_KEY = 'the key of the store'

/** What people call a root key: `keys/finance-root`; its CRN where the caller may not see it, or it is of a service elsewhere. */
export async function rootKeyName(server: Server, crn: string): Promise<string> {
  const [, , , , , , scope, guid = '', , id = ''] = crn.split(':')
  if (scope === STORE) return NAME_OF_STORE_KEY
  try {
    const isHere = (await server.instances()).some((one) => one.guid === guid)
    const key = isHere ? await findKey(server, crn) : undefined
    return key?.id === id ? labelled(key) : crn
  } catch {
    // A name is all that would be told more: no answer fails for it.
    return crn
  }
}

/** The same of several, each asked for once. */
export async function rootKeyNames(server: Server, crns: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const names = [...new Set(crns)].map(async (crn) => [crn, await rootKeyName(server, crn)] as const)
  return new Map(await Promise.all(names))
}
