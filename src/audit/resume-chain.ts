import type { Clock } from '../base/clock.ts'
import { type Chain, chainFrom } from './chain.ts'
import { NO_HASH } from './format.ts'
import { readPublicKeys, type SigningKey } from './keys.ts'
import type { LogFiles } from './log-files.ts'
import { firstLines } from './log-writer.ts'
import { isChanged, recover } from './recover.ts'

export interface Resumed {
  readonly chain: Chain
  /** Lines that the run before left unsigned. */
  readonly unsigned: number
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
    return { chain, unsigned: 0 }
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
  if (before && (await isChanged(before, last, keys))) {
    onTrouble(
      `THE AUDIT LOG WAS CHANGED: ${before.path} does not end as ${last.path} says. \`coffer audit verify\` names the line`,
    )
  }
  if (torn || damaged) await files.next(chain.head(), firstLines(chain, last.number + 1, clock.now(), torn))
  return { chain, unsigned }
}
