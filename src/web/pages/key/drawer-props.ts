import type { KeyUsage } from '../../client/admin.ts'
import type { KeyVersion, RootKey } from '../../client/key-protect.ts'
import type { Instance } from '../../client/session.ts'

export interface KeyDrawerProps {
  readonly instance: Instance
  readonly rootKey: RootKey
  /** The newest first. */
  readonly versions: readonly KeyVersion[]
  readonly usage: KeyUsage | undefined
  readonly onClose: () => void
}
