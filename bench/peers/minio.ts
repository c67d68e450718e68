import { randomBytes } from 'node:crypto'
import type { Peer, PeerPlace } from './peer.ts'

const common = {
  version: 'v0.0.0-20260212201848-7aac2a2c5b7c (the last commit, 2026-02-12)',
  obtain: 'GOBIN=<peers dir>/minio go install github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c',
  folder: 'minio',
  executable: 'minio',
  durability:
    'on, as it comes: an object with its metadata up to 128 KiB is one file opened with O_DSYNC or ended with fdatasync, a larger one is synced by fdatasync and its metadata by O_DSYNC; then renamed, the directory not synced',
}

const start = async (place: PeerPlace, env: Readonly<Record<string, string>>): Promise<string> => {
  const authority = `127.0.0.1:${await place.freePort()}`
  place.serve(place.executable, ['server', '--quiet', '--address', authority, `${place.dir}/data`], {
    env: {
      ...env,
      MINIO_ROOT_USER: place.accessKeyId,
      MINIO_ROOT_PASSWORD: place.secretAccessKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
  })
  return authority
}

export const minio: readonly Peer[] = [
  {
    ...common,
    name: 'minio',
    encryption: 'on: SSE-KMS with a built-in key for every object (MINIO_KMS_AUTO_ENCRYPTION=on)',
    start: (place) =>
      start(place, {
        MINIO_KMS_SECRET_KEY: `bench:${randomBytes(32).toString('base64')}`,
        MINIO_KMS_AUTO_ENCRYPTION: 'on',
      }),
  },
  {
    ...common,
    name: 'minio-plain',
    encryption: 'off, as it comes',
    start: (place) => start(place, {}),
  },
]
