import { inShell } from './in-shell.ts'
import { keyLabel, type RootKey } from './key-protect.ts'

/** A key as --json tells it. */
export function keyDocument(key: RootKey): object {
  const { instance, isRootKey, ...rest } = key
  return {
    ...rest,
    alias: keyLabel(key),
    instance: { id: instance.guid, name: instance.name },
    type: isRootKey ? 'root' : 'standard',
  }
}

export const keyPath = ({ id }: Pick<RootKey, 'id'>): string => `/api/v2/keys/${encodeURIComponent(id)}`

/** As a command names it, in a command that is shown. */
export const keyReference = ({ instance, aliases, id }: Pick<RootKey, 'instance' | 'aliases' | 'id'>): string =>
  inShell(`${instance.name}/${aliases[0] ?? id}`)

export const labelled = (key: RootKey): string => `${key.instance.name}/${keyLabel(key)}`

export const KEY_ARGUMENT = { name: 'key', help: 'alias, instance/alias, id or CRN', kind: 'key' } as const
