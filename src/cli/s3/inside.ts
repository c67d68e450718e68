import { resolve, sep } from 'node:path'
import { CommandFailure } from '../failure.ts'

/** Keys come from whoever stored them: none names a place outside. Throws UnsafeKey. */
export function inside(root: string, name: string): string {
  const path = resolve(root, name)
  if (path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`) && !name.includes('\0')) return path
  throw new CommandFailure({ code: 'UnsafeKey', ending: 'failed', why: `its name leads out of ${root}` })
}
