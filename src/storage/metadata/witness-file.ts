import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CodedError } from '../../base/errors.ts'
import { hasErrno } from '../errno.ts'
import { replaceFile } from '../replace-file.ts'
import type { LogMark } from './log-mark.ts'
import type { MetadataStoreErrorCode } from './metadata-store.ts'

/**
 * What a store has said to be durable, kept outside of its files: a log that is cut short looks whole. Beside the store's
 * directory, so that one that is lost or emptied is noticed, too.
 */
export const witnessFile = (store: string): string => `${resolve(store)}.witness`

/**
 * A sequence number that the store has reached, 0 while it is being made; undefined when there is no witness. Throws
 * MetadataCorrupt when there is one that cannot be believed.
 */
export async function readWitness(store: string, mark: LogMark): Promise<number | undefined> {
  const text = await readFile(witnessFile(store), 'utf8').catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  })
  if (text === undefined) return undefined
  const sequence = Number(/^\{"v":1,"sequence":(\d{1,15}),/.exec(text)?.[1])
  if (Number.isInteger(sequence) && sequence <= MAX_SEQUENCE && text === witnessText(sequence, mark)) return sequence
  if (Number(/^\{"v":(\d{1,9}),/.exec(text)?.[1]) > 1) {
    const message = `${witnessFile(store)} is of a later Coffer: start that one. Nothing was changed`
    throw new CodedError<MetadataStoreErrorCode>('MetadataStoreFailed', message)
  }
  throw new CodedError<MetadataStoreErrorCode>(
    'MetadataCorrupt',
    `${witnessFile(store)}, which says how far the metadata store goes, is damaged or of another store: ` +
      'restore the whole data directory from a backup. Nothing in it was changed',
    { details: { lossIn: store } },
  )
}

/** Precondition: the store is durable up to `sequence`. */
export const writeWitness = (store: string, sequence: number, mark: LogMark): Promise<void> =>
  replaceFile(witnessFile(store), witnessText(sequence, mark))

const MAX_SEQUENCE = 2 ** 48 - 1

const witnessText = (sequence: number, mark: LogMark): string =>
  `${JSON.stringify({ v: 1, sequence, mark: mark(sequence).toString('hex') })}\n`
