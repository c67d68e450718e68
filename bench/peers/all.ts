import { ceph } from './ceph.ts'
import { garage } from './garage.ts'
import { minio } from './minio.ts'
import type { Peer } from './peer.ts'
import { s3rver } from './s3rver.ts'
import { seaweedfs } from './seaweedfs.ts'
import { versitygw } from './versitygw.ts'

export const peers: readonly Peer[] = [...minio, ...garage, ...seaweedfs, ...versitygw, ...ceph, ...s3rver]
