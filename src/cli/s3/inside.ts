import { realpath } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import { CommandFailure } from '../failure.ts'
import { member } from '../json.ts'

/** Keys come from whoever stored them: none names a place outside, nor one that a link in the way leads to. Throws UnsafeKey. */
export async function inside(root: string, name: string): Promise<string> {
  const path = resolve(root, name)
  const isSafe = isWithin(path, root) && !name.includes('\0') && (await leadsTo(dirname(path), root))
  if (isSafe) return path
  throw new CommandFailure({ code: 'UnsafeKey', ending: 'failed', why: `its name leads out of ${root}` })
}

const isWithin = (path: string, root: string): boolean => path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)

async function leadsTo(folder: string, root: string): Promise<boolean> {
  const real = await realOf(root)
  // Where there is no folder yet, there is no link in it.
  if (real === undefined) return true
  let place = folder
  for (;;) {
    const found = await realOf(place)
    if (found !== undefined) return found === real || isWithin(found, real)
    place = dirname(place)
  }
}

const realOf = (path: string): Promise<string | undefined> =>
  realpath(path).catch((error: unknown) => {
    if (member(error, 'code') === 'ENOENT') return undefined
    throw error
  })
