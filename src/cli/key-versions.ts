import { notFound } from './failure.ts'
import { listOf, textOf } from './json.ts'
import { keyPath } from './key-face.ts'
import { inInstance, type RootKey } from './key-protect.ts'
import type { Server } from './server.ts'

export interface KeyVersion {
  readonly id: string
  readonly createdAt: string | undefined
}

/** The oldest first: v1, v2, … */
export async function versionsOf(server: Server, key: RootKey): Promise<readonly KeyVersion[]> {
  const query = { allKeyStates: true, limit: 5000 }
  const answer = await server.control('GET', `${keyPath(key)}/versions`, inInstance(key.instance, { query }))
  // Key Protect lists the newest first, and dates to the second alone.
  return listOf(answer, 'resources')
    .map((one) => ({ id: textOf(one, 'id') ?? '', createdAt: textOf(one, 'creationDate') }))
    .toReversed()
}

export async function versionNamed(server: Server, key: RootKey, name: string): Promise<KeyVersion> {
  const versions = await versionsOf(server, key)
  const ordinal = /^v(\d+)$/.exec(name)?.[1]
  const found = ordinal === undefined ? versions.find(({ id }) => id === name) : versions[Number(ordinal) - 1]
  if (found) return found
  throw notFound('NoSuchVersion', `the key ${key.name} has no version ${name}`, `coffer key show ${key.name}`)
}
