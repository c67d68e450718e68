import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError, hasCode } from '../../base/errors.ts'
import { syncDirectory } from '../directories.ts'
import { inspectLevelFiles, lossOf, missingAfter, RESTORE } from './level-files.ts'
import type { LogMark } from './log-mark.ts'
import type { MetadataStoreErrorCode } from './metadata-store.ts'
import { readWitness, writeWitness } from './witness-file.ts'

/** What is known of a store before LevelDB has opened it. */
export interface LevelCondition {
  /** There is no database yet. */
  readonly isNew: boolean
  /** It has lost acknowledged writes, which was accepted. */
  readonly isLossy: boolean
  /** The sequence number that it has reached, 0 until the first; undefined when nobody knows. */
  readonly witness: number | undefined
}

/**
 * Throws MetadataCorrupt for what is damaged, and what `acceptLoss` throws for what has lost writes. Makes the witness of a
 * new store, has `CURRENT` name the manifest that there is where all is there by it, and changes nothing else.
 */
export async function examineLevel(
  store: { readonly given: string; readonly path: string },
  mark: LogMark,
  acceptLoss: (loss: Error) => void,
): Promise<LevelCondition> {
  // Before the files: those of a store that is open elsewhere move on.
  const witness = await readWitness(store.given, mark).catch((error: unknown) => {
    if (!hasCode(error, 'MetadataCorrupt')) throw error
    acceptLoss(error)
    return undefined
  })
  const { isNew, loss, renamed } = await inspectLevelFiles(store.path, mark, witness)
  if (loss) acceptLoss(loss)
  if (renamed !== undefined) await nameManifest(store.path, renamed)
  // Says from now on that what is empty here has never been anything else.
  if (isNew && witness === undefined) await beginWitness(store.given, mark)
  return { isNew, isLossy: loss !== undefined, witness: isNew ? 0 : witness }
}

/** Under a name that LevelDB removes when it finds it. */
const DRAFT = '000000.dbtmp'

async function nameManifest(directory: string, name: string): Promise<void> {
  const draft = join(directory, DRAFT)
  try {
    await writeFile(draft, `${name}\n`, { mode: 0o600, flush: true })
    await rename(draft, join(directory, 'CURRENT'))
    await syncDirectory(directory)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `the metadata store ${directory} cannot be opened: ${reason}`
    throw new CodedError<MetadataStoreErrorCode>('MetadataStoreFailed', message, { cause })
  }
}

async function beginWitness(directory: string, mark: LogMark): Promise<void> {
  try {
    await writeWitness(directory, 0, mark)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `the metadata store ${directory} cannot be made: ${reason}`
    throw new CodedError<MetadataStoreErrorCode>('MetadataStoreFailed', message, { cause })
  }
}

/**
 * The loss that shows in what LevelDB has found, where its files did not tell it before; LevelDB has written to them since.
 * `sequence`: the last one stored.
 */
export function lossAfterOpening(
  directory: string,
  { witness, isLossy }: LevelCondition,
  { sequence, hasFormat }: { readonly sequence: number; readonly hasFormat: boolean },
): Error | undefined {
  if (isLossy) return undefined
  const lost = !hasFormat && witness !== 0 ? 'has lost its first row' : missingAfter(sequence, witness)
  return lost === undefined ? undefined : lossOf(directory, lost, RESTORE)
}
