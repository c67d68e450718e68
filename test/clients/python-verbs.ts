import path from 'node:path'
import { readAndRemove } from './check.ts'
import type { ObjectVerbs, Target } from './client.ts'
import { runText } from './command.ts'
import { pythonTool } from './install.ts'

/** Runs one of our Python scripts; it takes JSON and prints JSON, or nothing. */
export async function pythonScript(script: string, target: Target, input: readonly unknown[]): Promise<string> {
  const file = path.join(import.meta.dirname, 'python', script)
  const env = {
    HOME: target.workDir,
    S3_URL: target.s3Url,
    S3_REGION: target.region,
    S3_ACCESS_KEY: target.accessKeyId,
    S3_SECRET_KEY: target.secretAccessKey,
  }
  return runText(pythonTool('python'), [file, JSON.stringify(input)], { env })
}

/** Verbs carried out by a Python script, one process each. */
export function pythonVerbs(script: string, target: Target): ObjectVerbs {
  const call = async <Result>(...verb: readonly unknown[]): Promise<Result> =>
    JSON.parse(await pythonScript(script, target, verb))
  return {
    makeBucket: (bucket) => call('make_bucket', bucket),
    put: (bucket, key, from) => call('put', bucket, key, from),
    get: (bucket, key, to) => call('get', bucket, key, to),
    list: (bucket, prefix, delimiter) => call('list', bucket, prefix, delimiter ?? ''),
    range: async (bucket, key, start, end) => {
      const part = path.join(target.workDir, 'range')
      await call('range', bucket, key, start, end, part)
      return readAndRemove(part)
    },
    copy: (bucket, from, to) => call('copy', bucket, from, to),
    presignGet: (bucket, key) => call('presign_get', bucket, key),
    presignPut: (bucket, key) => call('presign_put', bucket, key),
    remove: (bucket, key) => call('remove', bucket, key),
    removeBucket: (bucket) => call('remove_bucket', bucket),
  }
}
