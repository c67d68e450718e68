import { mkdir } from 'node:fs/promises'
import type { Peer } from './peer.ts'

export const versitygw: readonly Peer[] = [
  {
    name: 'versitygw',
    version: 'v1.8.0, posix backend',
    obtain: 'GOBIN=<peers dir>/versitygw go install github.com/versity/versitygw/cmd/versitygw@v1.8.0',
    folder: 'versitygw',
    executable: 'versitygw',
    durability: 'off, and there is no setting for it: the file and its attributes are linked without any sync',
    encryption: 'off, and there is no setting for it',
    start: async (place) => {
      const authority = `127.0.0.1:${await place.freePort()}`
      await mkdir(`${place.dir}/data`)
      place.serve(place.executable, ['--port', authority, '--quiet', '--keep-alive', 'posix', `${place.dir}/data`], {
        env: { ROOT_ACCESS_KEY: place.accessKeyId, ROOT_SECRET_KEY: place.secretAccessKey },
      })
      return authority
    },
  },
]
