import { readFile } from 'node:fs/promises'
import { CodedError } from '../base/errors.ts'

const invalid = (message: string): CodedError => new CodedError('BootstrapInvalid', message)

/** The document of COFFER_BOOTSTRAP_FILE. Throws BootstrapInvalid, which never quotes it: it holds secrets. */
export async function readBootstrap(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw invalid(`the bootstrap file ${path} cannot be read (${error instanceof Error ? error.message : ''})`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    const place = error instanceof Error ? /\(line \d+ column \d+\)/.exec(error.message)?.[0] : undefined
    throw invalid(`the bootstrap file ${path} is not JSON ${place ?? '(it ends too early)'}`)
  }
}
