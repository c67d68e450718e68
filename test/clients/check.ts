import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { contentStream, hashOf } from '../support/content.ts'
import type { Missing } from './client.ts'

export const isMissing = (value: unknown): value is Missing =>
  typeof value === 'object' && value !== null && 'missing' in value

export const bucketNameFor = (name: string): string =>
  `${name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')}-${randomBytes(4).toString('hex')}`

/** Files of pseudo-random content that follows from the key. */
export function fileMaker(workDir: string): {
  make: (key: string, lengthBytes: number) => Promise<string>
  fresh: () => string
} {
  let count = 0
  const fresh = (): string => path.join(workDir, `file-${++count}`)
  return {
    fresh,
    make: async (key, lengthBytes) => {
      const file = fresh()
      await pipeline(contentStream(key, lengthBytes), createWriteStream(file))
      return file
    },
  }
}

export async function sameAs(key: string, lengthBytes: number, file: string): Promise<void> {
  const [got, wanted] = [await hashOf(createReadStream(file)), await hashOf(contentStream(key, lengthBytes))]
  same(`content of ${key.slice(0, 40)}`, got, wanted)
  await rm(file)
}

export function same(what: string, got: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(got), JSON.stringify(wanted)]
  if (left !== right) throw new Error(`${what}: got ${left?.slice(0, 300)}, wanted ${right?.slice(0, 300)}`)
}

export const readAndRemove = async (file: string): Promise<Buffer> => {
  const bytes = await readFile(file)
  await rm(file)
  return bytes
}
