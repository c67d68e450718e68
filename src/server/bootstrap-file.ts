import { readFile, stat } from 'node:fs/promises'
import { CodedError } from '../base/errors.ts'

const invalid = (message: string): CodedError => new CodedError('BootstrapInvalid', message)

/** Permission bits for anybody but the owner. Such a file is taken all the same: some mounts know no others. */
export const isShared = async (path: string): Promise<boolean> => ((await stat(path)).mode & 0o077) !== 0

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
    throw invalid(`the bootstrap file ${path} is not JSON: ${placeOf(error, text)}`)
  }
}

/** V8 names the line, or quotes some characters around the place, or says that the text ends too early. */
function placeOf(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : ''
  const line = /\(line (\d+) column \d+\)/.exec(message)?.[1]
  if (line !== undefined) return `see line ${line}`
  const quoted = /"(.*)"(?:\.\.\.)? is not valid JSON$/s.exec(message)?.[1]
  const at = quoted === undefined ? -1 : text.indexOf(quoted)
  if (quoted === undefined || at < 0) return 'it ends too early'
  return `see line ${text.slice(0, at + quoted.length / 2).split('\n').length}`
}
