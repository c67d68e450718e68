import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CORPUS = join(import.meta.dirname, 'corpus')

export interface KeptInput {
  readonly name: string
  readonly bytes: Buffer
}

/** Inputs that once were read wrongly, or are hard in a way that none of the seeds is. */
export function keptInputs(target: string): readonly KeptInput[] {
  const directory = join(CORPUS, target)
  if (!existsSync(directory)) return []
  return readdirSync(directory).map((name) => ({ name, bytes: readFileSync(join(directory, name)) }))
}

export const keptTargets = (): readonly string[] => readdirSync(CORPUS)

/** The path of the file. */
export function keep(target: string, bytes: Buffer): string {
  const directory = join(CORPUS, target)
  mkdirSync(directory, { recursive: true })
  const path = join(directory, createHash('sha256').update(bytes).digest('hex').slice(0, 16))
  writeFileSync(path, bytes)
  return path
}
