import { isDecryptError } from './errors.ts'

/** 0 all of it · 1 something is damaged or forged · 2 called wrongly, not readable, not there · 3 keys are missing for some. */
export const EXIT = { done: 0, failed: 1, usage: 2, keysMissing: 3 } as const

export interface Streams {
  readonly out: NodeJS.WritableStream
  readonly err: NodeJS.WritableStream
}

export function told(error: unknown): string {
  if (isDecryptError(error)) return `${error.message}  [${error.code}]`
  return error instanceof Error ? error.message : String(error)
}

export function exitOf(error: unknown): number {
  if (isDecryptError(error, 'Damaged', 'Forged')) return EXIT.failed
  return isDecryptError(error, 'KeyMissing') ? EXIT.keysMissing : EXIT.usage
}
