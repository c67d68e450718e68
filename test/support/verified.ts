import { PassThrough } from 'node:stream'
import type { Finding } from '../../src/objects/verify/finding.ts'
import { verifyCommand } from '../../src/server/commands/verify.ts'
import { complaints } from './coffer-command.ts'

export interface Verified {
  readonly status: number
  readonly findings: readonly Finding[]
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what is summed up
  readonly summary: any
  readonly errors: string
}

/** `coffer verify --json` over a data directory. */
export async function verified(dataDir: string, ...args: readonly string[]): Promise<Verified> {
  const [out, err] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })]
  const texts = [out, err].map(async (stream) => (await stream.toArray()).join(''))
  const status = await verifyCommand([`--data-dir=${dataDir}`, '--json', ...args], { out, err })
  out.end()
  err.end()
  const [output = '', errors = ''] = await Promise.all(texts)
  const lines = output.split('\n').filter((line) => line !== '')
  const parsed = lines.map((line) => JSON.parse(line))
  return {
    status,
    findings: parsed.filter(({ type }) => type === 'finding'),
    summary: parsed.find(({ type }) => type === 'summary'),
    errors: complaints(errors),
  }
}

/** What programs go by, without the words. */
export const placeOf = ({ kind, bucket, key, versionId, uploadId, part, file }: Finding): object =>
  JSON.parse(JSON.stringify({ kind, bucket, key, versionId, uploadId, part, file }))
