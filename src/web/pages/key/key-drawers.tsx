import type { ComponentType } from 'preact'
import { setQuery } from '../../router.ts'
import { DeleteKey } from './delete-key.tsx'
import { DisableKey } from './disable-key.tsx'
import type { KeyDrawerProps } from './drawer-props.ts'
import { EditPolicy } from './edit-policy.tsx'
import { EnableKey } from './enable-key.tsx'
import { PurgeKey, RestoreKey } from './restore-key.tsx'
import { RotateKey } from './rotate-key.tsx'

export type KeyDrawerName = 'disable' | 'enable' | 'rotate' | 'delete' | 'restore' | 'purge' | 'policy'

const DRAWERS: Readonly<Record<KeyDrawerName, ComponentType<KeyDrawerProps>>> = {
  disable: DisableKey,
  enable: EnableKey,
  rotate: RotateKey,
  delete: DeleteKey,
  restore: RestoreKey,
  purge: PurgeKey,
  policy: EditPolicy,
}

const isDrawer = (name: string | null): name is KeyDrawerName => name !== null && Object.hasOwn(DRAWERS, name)

/** `?do=disable`: so that other pages can lead to it. */
export const openDrawer = (name: KeyDrawerName): void => setQuery({ do: name }, {})
export const closeDrawer = (): void => setQuery({ do: undefined })

export function KeyDrawer({ name, ...props }: KeyDrawerProps & { readonly name: string | null }) {
  if (!isDrawer(name)) return null
  const Drawer = DRAWERS[name]
  return <Drawer {...props} />
}
