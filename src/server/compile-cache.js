import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

const WITH_THE_CODE = join(import.meta.dirname, '../../node_modules/.cache/coffer')
const WRITABLE_BY_OTHERS = 0o022

/**
 * Keeps what Node makes of the sources (types stripped, compiled) for later starts: half of the processor time of a start
 * and 25 MiB. Whoever can write there has this process run what they like, so it is kept with the code, where the same
 * people can do that already, and never in the data directory or /tmp; where somebody else could have made it, or this
 * user may not, there is none. NODE_DISABLE_COMPILE_CACHE=1 turns it off. True when it is in use.
 */
export function keepCompiledCode(directory = WITH_THE_CODE) {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    if (!isOnlyOurs(directory)) return false
    return enableCompileCache(directory).directory !== undefined
  } catch {
    // An installation that its user may not change starts all the same.
    return false
  }
}

/**
 * Made by this user or by root, and for nobody else to write to.
 * @param {string} directory
 */
function isOnlyOurs(directory) {
  const found = lstatSync(directory)
  const owned = found.uid === 0 || found.uid === process.getuid?.()
  return found.isDirectory() && owned && (found.mode & WRITABLE_BY_OTHERS) === 0
}
