import type { Stats } from 'node:fs'
import { chmod } from 'node:fs/promises'
import type { Fix } from './finding.ts'

export const isOpenToOthers = ({ mode }: Pick<Stats, 'mode'>): boolean => (mode & 0o077) !== 0

/** Takes away what others may do, and leaves what the owner may. Undefined where this user may not. */
export function closed(path: string, { mode, uid }: Stats): Fix | undefined {
  const self = process.getuid?.()
  if (self !== 0 && self !== uid) return undefined
  const kept = mode & 0o700
  return { command: `chmod ${kept.toString(8).padStart(4, '0')} ${path}`, apply: () => chmod(path, kept) }
}
