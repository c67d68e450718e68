import { copyFile, truncate } from 'node:fs/promises'
import { readAndRemove } from './check.ts'
import { type Client, missing, type ObjectVerbs, type Target } from './client.ts'
import { firstLine, runText } from './command.ts'
import { installPython, pythonTool } from './install.ts'
import { objectSteps, oddKeyNotes } from './object-steps.ts'

const tool = pythonTool('s3cmd')

export const s3cmd: Client = {
  name: 's3cmd',
  install: installPython,
  version: () => firstLine(tool, ['--version']),
  connect: async (target) => {
    const verbs = verbsFor(target)
    return { steps: objectSteps('s3cmd', verbs, target), notes: oddKeyNotes(verbs) }
  },
}

function verbsFor(target: Target): ObjectVerbs {
  const { host } = new URL(target.s3Url)
  const s3cmd = (...args: string[]): Promise<string> =>
    runText(tool, [
      ...['--config=/dev/null', '--no-ssl', '--no-progress', `--host=${host}`, `--host-bucket=${host}`],
      ...[`--access_key=${target.accessKeyId}`, `--secret_key=${target.secretAccessKey}`, `--region=${target.region}`],
      ...['--multipart-chunk-size-mb=5', '--max-retries=1', ...args],
    ])
  const uri = (bucket: string, key = ''): string => `s3://${bucket}/${key}`
  return {
    makeBucket: async (bucket) => void (await s3cmd('mb', uri(bucket))),
    put: async (bucket, key, file) => void (await s3cmd('put', file, uri(bucket, key))),
    get: async (bucket, key, file) => void (await s3cmd('get', '--force', uri(bucket, key), file)),
    list: async (bucket, prefix, delimiter) => {
      const out = await s3cmd('ls', ...(delimiter === undefined ? ['--recursive'] : []), uri(bucket, prefix))
      const names = out
        .split('\n')
        .map((line) => ({ folder: /^\s*DIR\s/.test(line), name: line.split(uri(bucket))[1] ?? '' }))
      return {
        keys: names.filter((one) => !one.folder && one.name !== '').map((one) => one.name),
        prefixes: names.filter((one) => one.folder).map((one) => one.name),
      }
    },
    // It has no option for a range, but asks for one when it goes on with an interrupted download.
    range: async (bucket, key, start, end) => {
      const [whole, part] = [`${target.workDir}/whole`, `${target.workDir}/part`]
      await s3cmd('get', '--force', uri(bucket, key), whole)
      await copyFile(whole, part)
      await truncate(part, start)
      await s3cmd('get', '--continue', uri(bucket, key), part)
      await readAndRemove(whole)
      return (await readAndRemove(part)).subarray(start, end + 1)
    },
    copy: async (bucket, from, to) => void (await s3cmd('cp', uri(bucket, from), uri(bucket, to))),
    presignGet: missing('signs URLs with signature version 2 only'),
    presignPut: missing('signs URLs with signature version 2 only'),
    remove: async (bucket, key) => void (await s3cmd('rm', uri(bucket, key))),
    removeBucket: async (bucket) => void (await s3cmd('rb', uri(bucket))),
    unnameable: (key) =>
      key.endsWith('/') ? 'puts and gets files below such a name, not the object itself' : undefined,
  }
}
