import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { DirectoryKeys } from './data-directory.ts'
import { misread, usage } from './errors.ts'
import { members, parseJson, textIn } from './json.ts'
import { type KeyBundle, readKeyBundle } from './key-bundle.ts'
import { readKeyMaterial, readPassphrase } from './key-material.ts'

/** The options that keys come by, of every command that opens something. */
export const KEY_OPTIONS = {
  'key-file': { type: 'string' },
  'passphrase-file': { type: 'string' },
  bundle: { type: 'string' },
  'bundle-passphrase-file': { type: 'string' },
  kms: { type: 'string' },
  'kms-key-file': { type: 'string' },
  'kms-passphrase-file': { type: 'string' },
  'root-key': { type: 'string', multiple: true },
  unwrapped: { type: 'string' },
  'customer-key': { type: 'string', multiple: true },
  dek: { type: 'string' },
  class: { type: 'string', multiple: true },
} as const

const OPTIONS = {
  ...KEY_OPTIONS,
  output: { type: 'string', short: 'o' },
  to: { type: 'string' },
  all: { type: 'boolean' },
  version: { type: 'string' },
  versions: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

export type Values = ReturnType<typeof parse>['values']
const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true })

/** Throws Usage. */
export function readArguments(args: readonly string[]): {
  readonly values: Values
  readonly positionals: readonly string[]
} {
  try {
    return parse(args)
  } catch (error) {
    throw misread(error)
  }
}

export type KeyValues = Pick<Values, keyof typeof KEY_OPTIONS>

/** Throws Usage. */
export function keysFrom(values: KeyValues): DirectoryKeys {
  const { kms, unwrapped } = values
  const of = (keyFile: string | undefined, passphraseFile: string | undefined) => ({
    keyFile,
    passphrase: passphraseFile === undefined ? undefined : readPassphrase(passphraseFile),
  })
  const material = (paths: readonly string[] = [], lengths = [32]) =>
    paths.flatMap((path) => readKeyMaterial(path, lengths))
  const bundle = readBundle(values)
  return {
    instance: { ...of(values['key-file'], values['passphrase-file']), key: bundle?.instanceKey },
    bundle: bundle?.kms,
    kms:
      kms === undefined
        ? undefined
        : { directory: kms, instance: of(values['kms-key-file'], values['kms-passphrase-file']) },
    materials: material(values['root-key'], [32, 24, 16]),
    unwrapped: unwrapped === undefined ? new Map() : readUnwrapped(unwrapped),
    customerKeys: material(values['customer-key']),
    dek: values.dek === undefined ? undefined : material([values.dek])[0],
    classes: new Map((values.class ?? []).map(readClass)),
  }
}

function readBundle({ bundle, 'bundle-passphrase-file': passphraseFile }: KeyValues): KeyBundle | undefined {
  if (bundle === undefined && passphraseFile === undefined) return undefined
  if (bundle === undefined || passphraseFile === undefined)
    throw usage('--bundle and --bundle-passphrase-file belong together')
  return readKeyBundle(bundle, readPassphrase(passphraseFile))
}

function readClass(text: string): [string, string] {
  const [, name, directory] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  if (name === undefined || directory === undefined) throw usage('--class takes NAME=DIR')
  return [name, directory]
}

/** Lines as `wrapped` writes them, each with the member `plaintext` besides. */
function readUnwrapped(path: string): Map<string, Buffer> {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
  return new Map(
    lines.map((line) => {
      const entry = members(parseJson(Buffer.from(line), `a line of ${path}`), `a line of ${path}`)
      const ciphertext = Buffer.from(textIn(entry, 'ciphertext', path), 'base64').toString('base64')
      return [ciphertext, Buffer.from(textIn(entry, 'plaintext', path), 'base64')]
    }),
  )
}
