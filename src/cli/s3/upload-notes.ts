import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Environment, stateDirectory } from '../environment.ts'
import { numberOf, parsed, textOf } from '../json.ts'

/** An upload under way, so that the same command goes on with it. */
export interface UploadNote {
  readonly uploadId: string
  readonly partBytes: number
}

export interface UploadNotes {
  readonly read: () => Promise<UploadNote | undefined>
  readonly write: (note: UploadNote) => Promise<void>
  readonly remove: () => Promise<void>
}

/** `about`: what has to be the same for it to be the same upload. */
export async function uploadNotes(environment: Environment, about: readonly (string | number)[]): Promise<UploadNotes> {
  const { hashOf } = await import('../../base/checksums.ts')
  const directory = join(stateDirectory(environment), 'uploads')
  const file = join(
    directory,
    `${hashOf('sha256', Buffer.from(JSON.stringify(about)))
      .toString('hex')
      .slice(0, 32)}.json`,
  )
  return {
    read: async () => {
      const text = await readFile(file, 'utf8').catch(() => undefined)
      const note = text === undefined ? undefined : parsed(text)
      const [uploadId, partBytes] = [textOf(note, 'uploadId'), numberOf(note, 'partBytes')]
      return uploadId === undefined || partBytes === undefined ? undefined : { uploadId, partBytes }
    },
    write: async (note) => {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await writeFile(`${file}.${process.pid}`, JSON.stringify(note), { mode: 0o600 })
      await rename(`${file}.${process.pid}`, file)
    },
    remove: () => rm(file, { force: true }),
  }
}
