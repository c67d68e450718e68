import { existsSync } from 'node:fs'
import { keysFrom, type Values } from './arguments.ts'
import type { Bucket } from './buckets.ts'
import { type DataDirectory, openDataDirectory } from './data-directory.ts'
import { usage } from './errors.ts'
import { type Listed, listObjects } from './objects.ts'
import { shown } from './safe-path.ts'
import type { Streams } from './status.ts'

/** Opens `DIR` for `work` and says on the error stream what is to be known of it. */
export async function withDirectory<Result>(
  [path, ...more]: readonly string[],
  values: Values,
  { err }: Streams,
  work: (directory: DataDirectory, name: string | undefined) => Result | Promise<Result>,
): Promise<Result> {
  if (path === undefined || more.length > 1) throw usage('give a data directory, and at most one name in it')
  if (!existsSync(path)) throw usage(`there is no directory ${path}`)
  const directory = openDataDirectory(path, keysFrom(values))
  try {
    for (const warning of directory.warnings) err.write(`▲ ${warning}\n`)
    return await work(directory, more[0])
  } finally {
    directory.close()
  }
}

/** `bucket/key`: names of buckets have no slash. */
export function splitName(name: string): { readonly bucket: string; readonly key: string } {
  const at = name.indexOf('/')
  return at < 0 ? { bucket: name, key: '' } : { bucket: name.slice(0, at), key: name.slice(at + 1) }
}

/** All objects of all buckets, of one, or of one under a prefix. */
export function* objectsIn(directory: DataDirectory, name: string | undefined, versions: boolean): Generator<Listed> {
  const { bucket, key } = splitName(name ?? '')
  const buckets: Iterable<Bucket> = name === undefined ? directory.buckets() : [directory.bucket(bucket)]
  for (const one of buckets) yield* listObjects(directory.rows, one, { prefix: key, versions })
}

export const nameOf = ({ bucket, key }: { readonly bucket: Bucket; readonly key: string }): string =>
  shown(`${bucket.name}/${key}`)
