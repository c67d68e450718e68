import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Values } from './arguments.ts'
import type { OpenedObject } from './content.ts'
import type { DataDirectory } from './data-directory.ts'
import { usage } from './errors.ts'
import { findObject, type ObjectRow } from './objects.ts'
import { safePath } from './safe-path.ts'
import { nameOf, objectsIn, splitName, withDirectory } from './scope.ts'
import { EXIT, exitOf, type Streams, told } from './status.ts'

/** `get`: one object, or all. */
export const extract = (args: readonly string[], values: Values, streams: Streams): Promise<number> =>
  withDirectory(args, values, streams, (directory, name) =>
    values.all ? extractAll(directory, name, values, streams) : extractOne(directory, name, values, streams),
  )

async function extractOne(
  directory: DataDirectory,
  name: string | undefined,
  { output, version, to, json }: Values,
  { out, err }: Streams,
): Promise<number> {
  const { bucket, key } = splitName(name ?? '')
  if (key === '' || to !== undefined) throw usage('give bucket/key, or --all and --to')
  if (json && (output === undefined || output === '-'))
    throw usage('--json goes with -o FILE: without it the content is the answer')
  const object = findObject(directory.rows, directory.bucket(bucket), key, version)
  const opened = directory.open(object)
  if (output === undefined || output === '-') {
    await pipeline(Readable.from(opened.pieces()), out, { end: false })
    return EXIT.done
  }
  const { sha256 } = writeFile(output, opened)
  const { versionId, sizeBytes } = object
  if (json) out.write(`${JSON.stringify({ file: output, bucket, key, versionId, sizeBytes, sha256 })}\n`)
  else err.write(`✓ ${nameOf(object)}: ${object.sizeBytes} bytes, SHA-256 ${sha256}\n`)
  return EXIT.done
}

function extractAll(
  directory: DataDirectory,
  name: string | undefined,
  { to, versions = false, output, version, dek, json }: Values,
  { out, err }: Streams,
): number {
  if (to === undefined || output !== undefined || version !== undefined || dek !== undefined)
    throw usage('--all takes --to NEWDIR, and neither -o, --version nor --dek')
  if (existsSync(to)) throw usage(`${to} is there already: nothing is overwritten`)
  mkdirSync(to, { recursive: true, mode: 0o700 })
  const index = openSync(join(to, 'index.jsonl'), 'wx', 0o600)
  const counts = { done: 0, missing: 0, failed: 0 }
  try {
    for (const one of objectsIn(directory, name, versions)) {
      if ('isDeleteMarker' in one) continue
      try {
        if ('error' in one) throw one.error
        const opened = directory.open(one)
        const path = freePath(to, one)
        const { sha256, length } = writeFile(path.absolute, opened)
        const { bucket, key, versionId, isCurrent } = one
        const { headers, metadata, etag } = opened.manifest
        const line = { file: path.relative, bucket: bucket.name, key, versionId, current: isCurrent, sizeBytes: length }
        writeSync(index, `${JSON.stringify({ ...line, sha256, etag, headers, metadata })}\n`)
        counts.done++
      } catch (error) {
        const isMissing = exitOf(error) === EXIT.keysMissing
        counts[isMissing ? 'missing' : 'failed']++
        err.write(`${isMissing ? '▲' : '✕'} ${nameOf(one)}: ${told(error)}\n`)
      }
    }
  } finally {
    closeSync(index)
  }
  const { done, missing, failed } = counts
  if (json) out.write(`${JSON.stringify({ to, opened: done, keysMissing: missing, damaged: failed })}\n`)
  else err.write(`${done} objects opened, ${missing} for which keys are missing, ${failed} that are damaged\n`)
  if (failed > 0) return EXIT.failed
  return missing > 0 ? EXIT.keysMissing : EXIT.done
}

/** Under a draft name until it is whole. Never over a file that is there. */
function writeFile(path: string, { pieces }: OpenedObject): { readonly sha256: string; readonly length: number } {
  if (existsSync(path)) throw usage(`${path} is there already: nothing is overwritten`)
  const draft = `${path}.partial`
  const file = openSync(draft, 'wx', 0o600)
  const digest = createHash('sha256')
  let length = 0
  try {
    for (const piece of pieces()) {
      for (let at = 0; at < piece.length; ) at += writeSync(file, piece, at)
      digest.update(piece)
      length += piece.length
    }
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  return { sha256: digest.digest('hex'), length }
}

/** Where a name is taken by another object (`a` beside `a/b`, versions of one key), a number follows a percent sign. */
function freePath(
  to: string,
  { bucket, key, versionId, isCurrent }: ObjectRow,
): { absolute: string; relative: string } {
  const names = [bucket.name, ...safePath(key)]
  const last = names.pop() ?? ''
  let folder = ''
  for (const name of names) {
    const isFile = (path: string): boolean => existsSync(join(to, path)) && !statSync(join(to, path)).isDirectory()
    folder = withNumber(join(folder, name), isFile)
    mkdirSync(join(to, folder), { recursive: true, mode: 0o700 })
  }
  const named = join(folder, isCurrent ? last : `${last}%v${safePath(versionId)[0]}`)
  const relative = withNumber(named, (path) => existsSync(join(to, path)))
  return { absolute: join(to, relative), relative }
}

function withNumber(path: string, isTaken: (path: string) => boolean): string {
  if (!isTaken(path)) return path
  for (let number = 1; ; number++) if (!isTaken(`${path}%${number}`)) return `${path}%${number}`
}
