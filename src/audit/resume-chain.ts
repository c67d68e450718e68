import type { Clock } from '../base/clock.ts'
import { hasErrno } from '../storage/errno.ts'
import { type Chain, chainFrom } from './chain.ts'
import type { LogFile } from './files.ts'
import { NO_HASH } from './format.ts'
import { type PublicKeys, readPublicKeys, type SigningKey } from './keys.ts'
import type { LogFiles } from './log-files.ts'
import { firstLines } from './log-writer.ts'
import { isChanged, recover } from './recover.ts'

export interface Resumed {
  readonly chain: Chain
  /** Lines that the run before left unsigned. */
  readonly unsigned: number
  /** Resolves when the file before the last one has been looked through, which nothing waits for but the end. */
  readonly checked: Promise<void>
}

/**
 * Goes on where the last run ended, however it ended. Bytes that its last write left unfinished stay where they are:
 * a new file then follows, and says what they are. Throws AuditLogDamaged.
 */
export async function resumeChain(
  files: LogFiles,
  key: SigningKey,
  clock: Clock,
  onTrouble: (message: string) => void,
): Promise<Resumed> {
  const last = files.last()
  if (last === undefined) {
    const chain = chainFrom({ seq: 0, hash: NO_HASH }, 0, key)
    await files.next(chain.head(), firstLines(chain, 1, clock.now()))
    return { chain, unsigned: 0, checked: Promise.resolve() }
  }
  const keys = readPublicKeys(key.publicKeyPem)
  const { head, unsigned, torn, damaged } = await recover(last, keys)
  const chain = chainFrom(head, unsigned, key)
  if (damaged) {
    onTrouble(
      `THE AUDIT LOG WAS CHANGED: in ${last.path} signed lines follow one that does not fit. \`coffer audit verify\` names it`,
    )
  }
  const before = files.beforeLast()
  const checked = before ? checkEnd(before, last, keys, onTrouble) : Promise.resolve()
  if (torn || damaged) await files.next(chain.head(), firstLines(chain, last.number + 1, clock.now(), torn))
  return { chain, unsigned, checked }
}

/** Beside the start: of 64 MiB it takes a quarter of a second of processor time, and all that it can do is to tell. */
async function checkEnd(
  before: LogFile,
  last: LogFile,
  keys: PublicKeys,
  onTrouble: (message: string) => void,
): Promise<void> {
  try {
    if (!(await isChanged(before, last, keys))) return
    onTrouble(
      `THE AUDIT LOG WAS CHANGED: ${before.path} does not end as ${last.path} says. \`coffer audit verify\` names the line`,
    )
  } catch (error) {
    // What has been removed to stay below the bound was verified before that.
    if (hasErrno(error, 'ENOENT')) return
    onTrouble(`${before.path} could not be looked through: ${error instanceof Error ? error.message : ''}`)
  }
}
