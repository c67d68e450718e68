import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { readAndRemove } from './check.ts'
import { type Client, missing, type ObjectVerbs, type Target } from './client.ts'
import { firstLine, runText } from './command.ts'
import { installPython, pythonTool } from './install.ts'
import { objectSteps } from './object-steps.ts'

const aws = pythonTool('aws')

export const awsCli: Client = {
  name: 'aws CLI',
  install: installPython,
  version: () => firstLine(aws, ['--version']),
  connect: async (target) => ({ steps: objectSteps('aws-cli', verbsFor(target), target) }),
}

/** The command as its users configure it for an endpoint of their own. */
export function awsFor(target: Target): (...args: readonly string[]) => Promise<string> {
  const config = path.join(target.workDir, 'aws-config')
  // Without this the command presigns with signature version 2, which AWS itself no longer takes.
  writeFileSync(config, '[default]\ns3 =\n  signature_version = s3v4\n  addressing_style = path\n')
  const env = {
    HOME: target.workDir,
    AWS_CONFIG_FILE: config,
    AWS_ACCESS_KEY_ID: target.accessKeyId,
    AWS_SECRET_ACCESS_KEY: target.secretAccessKey,
    AWS_DEFAULT_REGION: target.region,
    AWS_ENDPOINT_URL: target.s3Url,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
  }
  return (...args) => runText(aws, args, { env })
}

function verbsFor(target: Target): ObjectVerbs {
  const command = awsFor(target)
  const s3 = (...args: string[]): Promise<string> => command('s3', ...args)
  const api = (...args: string[]): Promise<string> => command('s3api', ...args)
  // `aws s3 cp` takes a key that ends with a slash for a directory; the lower-level command takes it as it is.
  const isDirectoryToCp = (key: string): boolean => key.endsWith('/')
  return {
    makeBucket: async (bucket) => void (await s3('mb', `s3://${bucket}`)),
    put: async (bucket, key, file) => {
      if (isDirectoryToCp(key)) await api('put-object', '--bucket', bucket, '--key', key, '--body', file)
      else await s3('cp', '--no-progress', file, `s3://${bucket}/${key}`)
    },
    get: async (bucket, key, file) => {
      if (isDirectoryToCp(key)) await api('get-object', '--bucket', bucket, '--key', key, file)
      else await s3('cp', '--no-progress', `s3://${bucket}/${key}`, file)
    },
    list: async (bucket, prefix, delimiter) => {
      const level = delimiter === undefined ? [] : ['--delimiter', delimiter]
      const out = await api('list-objects-v2', '--bucket', bucket, '--prefix', prefix, ...level, '--output', 'json')
      const page: { Contents?: { Key: string }[]; CommonPrefixes?: { Prefix: string }[] } = JSON.parse(out)
      return {
        keys: (page.Contents ?? []).map(({ Key }) => Key),
        prefixes: (page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
      }
    },
    range: async (bucket, key, start, end) => {
      const file = `${target.workDir}/range`
      await api('get-object', '--bucket', bucket, '--key', key, '--range', `bytes=${start}-${end}`, file)
      return readAndRemove(file)
    },
    copy: async (bucket, from, to) =>
      void (await s3('cp', '--no-progress', `s3://${bucket}/${from}`, `s3://${bucket}/${to}`)),
    presignGet: (bucket, key) => s3('presign', `s3://${bucket}/${key}`, '--expires-in', '300'),
    presignPut: missing('the command presigns GET only'),
    remove: async (bucket, key) => {
      if (isDirectoryToCp(key)) await api('delete-object', '--bucket', bucket, '--key', key)
      else await s3('rm', `s3://${bucket}/${key}`)
    },
    removeBucket: async (bucket) => void (await s3('rb', `s3://${bucket}`)),
  }
}
