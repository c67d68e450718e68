import { type FileHandle, open, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasErrno } from '../../storage/errno.ts'
import type { RepositoryWriter, StoredObject } from './repository.ts'

/** What backups have copied that were not finished: a later one need not copy it again. */
export interface CopiedLog extends AsyncDisposable {
  /** A piece of a file, from `offset` on. */
  readonly find: (path: string, offset: number) => StoredObject | undefined
  readonly note: (path: string, offset: number, object: StoredObject) => Promise<void>
  /** The backup is finished: what is in the log is in its manifest. */
  readonly end: () => Promise<void>
}

const NAME = 'copied.log'

/** Bytes of a path never change once they are there, so a line holds for good. Drafts of whoever was killed are removed. */
export async function openCopiedLog(repository: RepositoryWriter): Promise<CopiedLog> {
  const path = repository.unfinished(NAME)
  for (const name of await readdir(dirname(path))) {
    if (name.endsWith('.part')) await rm(join(dirname(path), name), { force: true })
  }
  const known = new Map<string, StoredObject>()
  for (const line of (await readLines(path)).split('\n')) {
    const [, at, sha256, bytes] = /^(.+ \d+) ([0-9a-f]{64}) (\d+)$/.exec(line) ?? []
    if (at !== undefined && sha256 !== undefined) known.set(at, { sha256, bytes: Number(bytes) })
  }
  const file: FileHandle = await open(path, 'a', 0o600)
  let open_ = true
  const close = async (): Promise<void> => {
    if (open_) await file.close()
    open_ = false
  }
  return {
    find: (of, offset) => known.get(`${of} ${offset}`),
    note: async (of, offset, { sha256, bytes }) => {
      // The line feed before it ends what a crash has cut short.
      await file.appendFile(`\n${of} ${offset} ${sha256} ${bytes}`)
    },
    end: async () => {
      await close()
      await rm(path, { force: true })
    },
    [Symbol.asyncDispose]: close,
  }
}

const readLines = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return ''
    throw error
  })
