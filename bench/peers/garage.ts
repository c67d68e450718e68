import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { Peer, PeerPlace } from './peer.ts'

const common = {
  version: '2.5.0',
  obtain: 'cargo install --locked garage@2.5.0 --root <peers dir>/garage',
  folder: 'garage',
  executable: 'bin/garage',
  encryption: 'off: only SSE-C, with a key in every request',
}

async function start(place: PeerPlace, fsync: boolean): Promise<string> {
  const { dir, executable, region, accessKeyId, secretAccessKey } = place
  const authority = `127.0.0.1:${await place.freePort()}`
  const rpc = `127.0.0.1:${await place.freePort()}`
  const settings = `
metadata_dir = "${dir}/meta"
data_dir = "${dir}/data"
metadata_fsync = ${fsync}
data_fsync = ${fsync}
replication_factor = 1
rpc_bind_addr = "${rpc}"
rpc_public_addr = "${rpc}"
rpc_secret = "${randomBytes(32).toString('hex')}"
[s3_api]
s3_region = "${region}"
api_bind_addr = "${authority}"
`
  await writeFile(`${dir}/garage.toml`, settings, { mode: 0o600 })
  place.serve(executable, ['-c', `${dir}/garage.toml`, 'server', '--single-node', '--default-access-key'], {
    env: {
      GARAGE_DEFAULT_ACCESS_KEY: accessKeyId,
      GARAGE_DEFAULT_SECRET_KEY: secretAccessKey,
      RUST_LOG: 'garage=warn',
    },
  })
  return authority
}

export const garage: readonly Peer[] = [
  {
    ...common,
    name: 'garage',
    durability:
      'nearly, by data_fsync and metadata_fsync: blocks and their directories are synced; LMDB syncs its pages, yet runs with NO_META_SYNC, so that a crash of the machine may undo the last transaction',
    start: (place) => start(place, true),
  },
  {
    ...common,
    name: 'garage-default',
    durability: 'off, as it comes',
    start: (place) => start(place, false),
  },
]
