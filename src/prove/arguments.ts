import { parseArgs } from 'node:util'
import { KEY_OPTIONS } from '../decrypt/arguments.ts'
import { misread } from '../decrypt/errors.ts'

const OPTIONS = {
  ...KEY_OPTIONS,
  canary: { type: 'string', multiple: true },
  report: { type: 'string', short: 'o' },
  'sign-key': { type: 'string' },
  'with-keys': { type: 'boolean' },
  sample: { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean' },
  'public-key': { type: 'string' },
  against: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

const parse = (args: readonly string[]) => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
export type ProveValues = ReturnType<typeof parse>['values']

/** Throws Usage. */
export function readProveArguments(args: readonly string[]): ReturnType<typeof parse> {
  try {
    return parse(args)
  } catch (error) {
    throw misread(error)
  }
}
