import { randomBytes, randomUUID } from 'node:crypto'
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import type { Peer, PeerPlace } from './peer.ts'

const common = {
  version: '16.2.15 (Debian 12), one monitor, one BlueStore OSD in a file, no replicas',
  obtain: 'apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common',
  folder: 'ceph',
  executable: '/usr/bin/radosgw',
  durability: 'on, as it comes: BlueStore answers when its data and the log of RocksDB are synced by fdatasync',
}

const KEYS = [
  ['mon.', ['mon']],
  ['client.admin', ['mon', 'osd']],
  ['osd.0', ['mon', 'osd']],
] as const

const settingsOf = (dir: string, fsid: string, monitor: string, frontend: string, more: string): string => `
[global]
fsid = ${fsid}
mon_host = ${monitor}
public_network = 127.0.0.0/8
run_dir = ${dir}
admin_socket = ${dir}/$name.sock
log_file = ${dir}/$name.log
crash_dir = ${dir}/crash
keyring = ${dir}/keyring
mon_data = ${dir}/mon
osd_data = ${dir}/osd
rgw_data = ${dir}/rgw
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_objectstore = bluestore
bluestore_block_create = true
bluestore_block_size = ${32 * 1024 ** 3}
rgw_frontends = beast endpoint=${frontend}
rgw_enable_usage_log = false
${more}
`

async function start(place: PeerPlace, more: string): Promise<string> {
  const { dir, accessKeyId, secretAccessKey, freePort, run, serve, until } = place
  const authority = `127.0.0.1:${await freePort()}`
  const conf = ['-c', `${dir}/ceph.conf`]
  const fsid = randomUUID()
  const monitor = `[v2:127.0.0.1:${await freePort()},v1:127.0.0.1:${await freePort()}]`
  await writeFile(`${dir}/ceph.conf`, settingsOf(dir, fsid, monitor, authority, more), { mode: 0o600 })
  for (const part of ['mon', 'osd', 'rgw', 'crash']) await mkdir(`${dir}/${part}`)
  for (const [name, daemons] of KEYS) {
    const caps = daemons.flatMap((daemon) => ['--cap', daemon, 'allow *'])
    await run('ceph-authtool', ['--create-keyring', `${dir}/${name}.keyring`, '--gen-key', '-n', name, ...caps])
    await appendFile(`${dir}/keyring`, await readFile(`${dir}/${name}.keyring`), { mode: 0o600 })
  }
  await run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', monitor, `${dir}/monmap`])
  await run('ceph-mon', [...conf, '--mkfs', '-i', 'a', '--monmap', `${dir}/monmap`, '--keyring', `${dir}/keyring`])
  serve('ceph-mon', [...conf, '-f', '-i', 'a'])
  await until('monitor', async () => (await run('ceph', [...conf, 'mon', 'stat'])).includes('quorum'))
  const uuid = randomUUID()
  await run('ceph', [...conf, 'osd', 'new', uuid])
  await run('ceph-osd', [...conf, '-i', '0', '--mkfs', '--osd-uuid', uuid])
  serve('ceph-osd', [...conf, '-f', '-i', '0'])
  await until('OSD', async () => (await run('ceph', [...conf, 'osd', 'stat'])).includes('1 up'))
  serve(place.executable, [...conf, '-f', '-n', 'client.admin'])
  const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey]
  const user = ['user', 'create', '--uid', 'bench', '--display-name', 'bench', ...keys]
  await run('radosgw-admin', [...conf, '-n', 'client.admin', ...user])
  return authority
}

export const ceph: readonly Peer[] = [
  {
    ...common,
    name: 'ceph',
    encryption: 'on: every object under a key derived from rgw_crypt_default_encryption_key (AES-256-CBC)',
    start: (place) => {
      const key = randomBytes(32).toString('base64')
      return start(place, `rgw_crypt_require_ssl = false\nrgw_crypt_default_encryption_key = ${key}`)
    },
  },
  {
    ...common,
    name: 'ceph-plain',
    encryption: 'off, as it comes',
    start: (place) => start(place, ''),
  },
]
