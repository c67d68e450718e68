import { readFile } from 'node:fs/promises'
import { getCACertificates } from 'node:tls'
import { CommandFailure } from './failure.ts'

/** PEM. Undefined: those that Node carries, and those of NODE_EXTRA_CA_CERTS, which it adds by itself. */
export type Authorities = readonly string[] | undefined

/**
 * As curl and AWS's own clients have it: a bundle that is named counts alone. What is named as extra is trusted besides
 * whatever else is; Node forgets it where it is told what to trust.
 */
export async function authorities(bundleFile: string | undefined): Promise<Authorities> {
  if (bundleFile === undefined) return undefined
  const bundle = await readFile(bundleFile, 'utf8').catch(() => notReadable(bundleFile))
  return [bundle, ...getCACertificates('extra')]
}

function notReadable(file: string): never {
  throw new CommandFailure({
    code: 'CaBundle',
    ending: 'config',
    why: `${file} cannot be read, which should say what authorities are trusted`,
    fixes: ['export AWS_CA_BUNDLE=ca.pem', 'coffer login URL --ca-file ca.pem'],
  })
}
