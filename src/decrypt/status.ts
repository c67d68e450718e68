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

/** Says why nothing was done, to who asks for JSON as a document, too. The exit status. */
export function refused(error: unknown, args: readonly string[], { out, err }: Streams): number {
  const exit = exitOf(error)
  if (args.includes('--json')) {
    const code = isDecryptError(error) ? error.code : 'Failed'
    const message = error instanceof Error ? error.message : String(error)
    out.write(`${JSON.stringify({ type: 'error', code, exit, message })}\n`)
  }
  err.write(`✕ ${told(error)}\n`)
  return exit
}

/** Help, to who asks for JSON as a document. */
export function writeHelp(text: string, isJson: boolean | undefined, { out }: Streams): void {
  out.write(isJson ? `${JSON.stringify({ type: 'help', text })}\n` : text)
}

export function exitOf(error: unknown): number {
  if (isDecryptError(error, 'Damaged', 'Forged')) return EXIT.failed
  return isDecryptError(error, 'KeyMissing') ? EXIT.keysMissing : EXIT.usage
}
