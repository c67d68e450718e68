import type { Client, ObjectVerbs, Target } from './client.ts'
import { missing } from './client.ts'
import { firstLine, run } from './command.ts'
import { goTool, installGo } from './install.ts'
import { objectSteps, oddKeyNotes } from './object-steps.ts'

const tool = goTool('rclone')

export const rclone: Client = {
  name: 'rclone',
  install: () => installGo('rclone', 'github.com/rclone/rclone@v1.76.0'),
  version: () => firstLine(tool, ['version']),
  connect: async (target) => {
    const verbs = verbsFor(target)
    return { steps: objectSteps('rclone', verbs, target), notes: oddKeyNotes(verbs) }
  },
}

/** The command with a remote `coffer:` of the target's; flags win over what is set here. */
export function rcloneFor(target: Target): (...args: readonly string[]) => Promise<Buffer> {
  const env = {
    HOME: target.workDir,
    RCLONE_CONFIG: `${target.workDir}/rclone.conf`,
    RCLONE_CONFIG_COFFER_TYPE: 's3',
    RCLONE_CONFIG_COFFER_PROVIDER: 'Other',
    RCLONE_CONFIG_COFFER_ENDPOINT: target.s3Url,
    RCLONE_CONFIG_COFFER_REGION: target.region,
    RCLONE_CONFIG_COFFER_ACCESS_KEY_ID: target.accessKeyId,
    RCLONE_CONFIG_COFFER_SECRET_ACCESS_KEY: target.secretAccessKey,
    RCLONE_CONFIG_COFFER_UPLOAD_CUTOFF: '5Mi',
    RCLONE_CONFIG_COFFER_CHUNK_SIZE: '5Mi',
    RCLONE_RETRIES: '1',
    RCLONE_LOW_LEVEL_RETRIES: '1',
  }
  return (...args) => run(tool, args, { env })
}

function verbsFor(target: Target): ObjectVerbs {
  const command = rcloneFor(target)
  const at = (bucket: string, key = ''): string => `coffer:${bucket}/${key}`
  const rclone = async (...args: string[]): Promise<string> => (await command(...args)).toString('utf8').trim()
  return {
    makeBucket: async (bucket) => void (await rclone('mkdir', at(bucket))),
    put: async (bucket, key, file) => void (await rclone('copyto', file, at(bucket, key))),
    get: async (bucket, key, file) => void (await rclone('copyto', at(bucket, key), file)),
    list: async (bucket, prefix, delimiter) => {
      const out = await rclone(
        'lsf',
        ...(delimiter === undefined ? ['--recursive', '--files-only'] : []),
        at(bucket, prefix),
      )
      const names = out.split('\n').map((name) => prefix + name)
      return { keys: names.filter((name) => !name.endsWith('/')), prefixes: names.filter((name) => name.endsWith('/')) }
    },
    range: (bucket, key, start, end) =>
      command('cat', '--offset', `${start}`, '--count', `${end - start + 1}`, at(bucket, key)),
    copy: async (bucket, from, to) => void (await rclone('copyto', at(bucket, from), at(bucket, to))),
    presignGet: (bucket, key) => rclone('link', '--expire', '5m', at(bucket, key)),
    presignPut: missing('its links are for GET only'),
    remove: async (bucket, key) => void (await rclone('deletefile', at(bucket, key))),
    removeBucket: async (bucket) => void (await rclone('rmdir', at(bucket))),
    unnameable: (key) => {
      if (key.startsWith('/') || key.includes('..')) return 'cleans paths like a file system'
      return key.endsWith('/') ? 'takes it for a directory' : undefined
    },
  }
}
