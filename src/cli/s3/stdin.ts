import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Call } from '../call.ts'
import { openPieces } from './upload.ts'

/** Standard input in a file that only its owner reads: a part that has to be sent again can be read again. */
export async function collected({ streams, signal }: Pick<Call, 'streams' | 'signal'>) {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-put-'))
  const path = join(directory, 'content')
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    await pipeline(streams.in ?? process.stdin, createWriteStream(path, { mode: 0o600 }), { signal })
    const pieces = await openPieces(path)
    return {
      ...pieces,
      close: async () => {
        await pieces.close()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}
