import type { Peer } from './peer.ts'

export const s3rver: readonly Peer[] = [
  {
    name: 's3rver',
    version: '3.7.1',
    obtain: 'npm install --prefix <peers dir>/s3rver s3rver@3.7.1',
    folder: 's3rver',
    executable: 'node_modules/s3rver/bin/s3rver.js',
    durability: 'off, and there is no setting for it',
    encryption: 'off, and there is no setting for it',
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    start: async ({ dir, executable, freePort, serve }) => {
      const port = await freePort()
      const listen = ['--address', '127.0.0.1', '--port', `${port}`, '--no-vhost-buckets', '--silent']
      serve(process.execPath, [executable, '--directory', `${dir}/data`, ...listen])
      return `127.0.0.1:${port}`
    },
  },
]
