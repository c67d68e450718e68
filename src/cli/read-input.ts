import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Call } from './call.ts'

/** A file, or standard input for `-`. */
export const readInput = ({ streams }: Pick<Call, 'streams'>, path: string): Promise<string> =>
  path === '-' ? text(streams.in ?? process.stdin) : readFile(path, 'utf8')
