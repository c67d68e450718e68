import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, missing, type ObjectVerbs, type Target } from './client.ts'
import { firstLine, run } from './command.ts'
import { installDebian } from './install.ts'
import { objectSteps, oddKeyNotes } from './object-steps.ts'

/** A mounted bucket: plain file operations become requests. Needs /dev/fuse. */
export const s3fs: Client = {
  name: 's3fs',
  install: () => installDebian('s3fs'),
  version: () => firstLine('s3fs', ['--version']),
  connect: async (target) => {
    const mounts = mountsFor(target)
    const verbs = verbsFor(mounts.of)
    return { steps: objectSteps('s3fs', verbs, target), notes: oddKeyNotes(verbs), close: mounts.close }
  },
}

function verbsFor(mountOf: (bucket: string) => Promise<string>): ObjectVerbs {
  const at = async (bucket: string, key: string): Promise<string> => path.join(await mountOf(bucket), key)
  return {
    makeBucket: missing('mounts a bucket that is there'),
    put: async (bucket, key, file) => {
      const to = await at(bucket, key)
      await mkdir(path.dirname(to), { recursive: true })
      await copyFile(file, to)
    },
    get: async (bucket, key, file) => copyFile(await at(bucket, key), file),
    list: async (bucket, prefix, delimiter) => {
      const found = await readdir(await at(bucket, prefix), { withFileTypes: true, recursive: delimiter === undefined })
      const root = await mountOf(bucket)
      const name = (entry: (typeof found)[number]): string =>
        path.relative(root, path.join(entry.parentPath, entry.name))
      return {
        keys: found
          .filter((entry) => entry.isFile())
          .map(name)
          .sort(),
        prefixes: found
          .filter((entry) => entry.isDirectory())
          .map((entry) => `${name(entry)}/`)
          .sort(),
      }
    },
    range: async (bucket, key, start, end) => {
      await using file = await open(await at(bucket, key))
      const part = Buffer.alloc(end - start + 1)
      await file.read(part, 0, part.length, start)
      return part
    },
    // Renaming is a copy on the server and a delete; the name goes back so that the original is there again.
    copy: async (bucket, from, to) => {
      const [source, aside] = [await at(bucket, from), await at(bucket, to)]
      await rename(source, aside)
      await copyFile(aside, source)
    },
    presignGet: missing('a mount makes no URLs'),
    presignPut: missing('a mount makes no URLs'),
    remove: async (bucket, key) => rm(await at(bucket, key)),
    removeBucket: missing('a mount removes no buckets'),
    unnameable: (key) => {
      if (key.startsWith('/') || key.includes('..')) return 'the file system cleans the path'
      if (key.endsWith('/')) return 'a file name does not end with a slash'
      return Buffer.byteLength(key) > 1000
        ? 'asks for longer names too (`_$folder$` appended), and S3 has none'
        : undefined
    },
  }
}

/** Buckets as directories, mounted when they are asked for. `close` unmounts all, and they can be mounted anew. */
export function mountsFor(target: Target): { of: (bucket: string) => Promise<string>; close: () => Promise<void> } {
  const mounted = new Map<string, { readonly directory: string; readonly process: ChildProcess }>()
  const of = async (bucket: string): Promise<string> => {
    const known = mounted.get(bucket)
    if (known !== undefined) return known.directory
    const directory = path.join(target.workDir, `mount-${bucket}`)
    const passwords = path.join(target.workDir, 's3fs-password')
    await mkdir(directory, { recursive: true })
    await writeFile(passwords, `${target.accessKeyId}:${target.secretAccessKey}`, { mode: 0o600 })
    const options = [`url=${target.s3Url}`, `endpoint=${target.region}`, `passwd_file=${passwords}`, 'multipart_size=5']
    const flags = [...options, 'use_path_request_style', 'sigv4', 'retries=1', 'connect_timeout=5']
    const process = spawn('s3fs', [bucket, directory, '-f', ...flags.flatMap((option) => ['-o', option])], {
      stdio: 'pipe',
    })
    let said = ''
    for (const stream of [process.stdout, process.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    for (let tries = 0; !(await readFile('/proc/mounts', 'utf8')).includes(` ${directory} `); tries++) {
      if (process.exitCode !== null || tries > 200) throw new Error(`s3fs did not mount: ${said}`)
      await sleep(50)
    }
    mounted.set(bucket, { directory, process })
    return directory
  }
  return {
    of,
    close: async () => {
      for (const [bucket, { directory, process }] of mounted) {
        const ended = once(process, 'exit')
        await run('umount', [directory])
        await ended
        mounted.delete(bucket)
      }
    },
  }
}
