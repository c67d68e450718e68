import { emptyBucket, makeBucket, s3ClientFor } from '../../support/s3.ts'
import { bucketNameFor } from '../check.ts'
import type { Client, Step, Target } from '../client.ts'
import { runText } from '../command.ts'
import { installPython, pythonTool } from '../install.ts'
import { pythonScript } from '../python-verbs.ts'

const PACKAGES = ['pyarrow', 'deltalake', 'obstore']
const VERSIONS = `from importlib.metadata import version; print(', '.join(f'{one} {version(one)}' for one in ${JSON.stringify(PACKAGES)}))`

/** Tables in a bucket, by clients in C++ and Rust. */
export const tableFormats: Client = {
  name: 'pyarrow, deltalake',
  install: installPython,
  version: () => runText(pythonTool('python'), ['-c', VERSIONS]),
  connect: async (target) => ({ steps: stepsFor(target) }),
}

function stepsFor(target: Target): readonly Step[] {
  const client = s3ClientFor(target)
  const bucket = bucketNameFor('tables')
  const step = async (name: string, where = bucket): Promise<void> => {
    await pythonScript('table_formats.py', target, [name, where])
  }
  return [
    {
      name: 'files',
      run: async () => {
        await makeBucket(client, bucket)
        await step('files')
      },
    },
    ...['partitions', 'commits', 'conditions'].map((name) => ({ name, run: () => step(name) })),
    {
      name: 'own root key',
      run: async () => {
        const sealed = await target.customerManagedBucket()
        for (const name of ['files', 'commits']) await step(name, sealed)
        for (const one of [bucket, sealed]) await emptyBucket(client, one)
      },
    },
  ]
}
