import { readFileSync, statSync } from 'node:fs'
import { CodedError } from '../base/errors.ts'
import { invalidConfig } from './config-error.ts'

/** The text of a secret that `from` says is in a file, without the newline at its end. Throws ConfigInvalid. */
export function readSecret(from: string, path: string): string {
  try {
    refuseShared(from, path)
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    if (error instanceof CodedError) throw error
    throw invalidConfig(`${from}: ${path} cannot be read`, error)
  }
}

/** Throws ConfigInvalid for a file that anybody but its owner may read. */
export function refuseShared(from: string, path: string): void {
  if ((statSync(path).mode & 0o077) !== 0) {
    throw invalidConfig(`${from} is a secret, and ${path} may be read by others: chmod 600 ${path}`)
  }
}
