import type fc from 'fast-check'
import { CodedError, hasCode } from '../../src/base/errors.ts'

/** One reader of bytes that others send or leave on a disk, and what it may do with them. */
export interface FuzzTarget {
  readonly name: string
  /** Valid inputs, from which others are made by changing bytes. */
  readonly seeds: readonly Buffer[]
  /** Inputs that have the shape of valid ones, with anything in it. */
  readonly inputs?: fc.Arbitrary<Buffer>
  /** Pieces of the input's language, which changes put in. */
  readonly words?: readonly string[]
  /** Whether the reader may refuse an input by this error. */
  readonly mayThrow: (error: unknown) => boolean
  /** Reads the input. Throws AssertionError (node:assert) when what came of it is wrong. */
  readonly run: (input: Buffer) => unknown
  /** Largest input that is tried, 16 KiB if left out. */
  readonly maxBytes?: number
}

/** Refusals by one of these codes; any code of the vocabulary when none is given. */
export const refusals =
  (...codes: readonly string[]) =>
  (error: unknown): boolean =>
    codes.length === 0 ? error instanceof CodedError : hasCode(error, ...codes)

/** For readers that say by their result what is wrong. */
export const never = (): boolean => false
