import type { StoreName } from '../decrypt/rows.ts'

/** docs/record-format.md, sections 3, 5, 6 and 8: what a row's key says in the clear. Its value is sealed. */
export interface Space {
  readonly what: string
  readonly keyInClear: string
}

const space = (what: string, keyInClear: string): Space => ({ what, keyInClear })

export const SPACES: Readonly<Record<StoreName, Readonly<Record<number, Space>>>> = {
  metadata: {
    1: space('buckets', 'name of the bucket'),
    2: space('current objects', 'id of the bucket, name of the object'),
    3: space('other versions and delete markers', 'id of the bucket, name of the object, order (time)'),
    4: space('uploads in progress', 'id of the bucket, name of the object, upload id (time)'),
    5: space('parts', 'id of the upload, part number'),
    6: space('owners of blobs', 'lease, file or pack, place, length'),
    7: space('what is to be removed', 'time, random'),
    8: space('leases', 'id of a run of the server'),
    9: space('deregistrations', 'CRNs of a root key and of a bucket'),
    10: space('state of counting', 'state, versions'),
    11: space('rewrapping', 'id of the bucket'),
    12: space('histories', 'id of the bucket, name of the object'),
    16: space('configurations of buckets', 'id of the bucket, part'),
    17: space('documents of buckets', 'id of the bucket, kind, piece'),
    18: space('queued notifications', 'name of the target, digests, time'),
    19: space('lifecycle', 'id of the bucket, or clock or sequencer'),
    20: space('access log lines', 'time, random'),
    21: space('inventories', 'id of the bucket, id of the inventory'),
    22: space('queued replications', 'name of the target, digests, time'),
    23: space('looks for damage', 'state, or digest of a finding'),
  },
  kms: {
    32: space('root and standard keys', 'ids of instance and key'),
    33: space('versions of keys', 'ids of instance and key, number'),
    34: space('registrations', 'ids of instance and key, CRN of the resource'),
    35: space('aliases', 'id of the instance, alias'),
    36: space('state of the service', 'service-instance, clock'),
    37: space('key rings', 'ids of instance and ring'),
    38: space('policies of instances', 'id of the instance, type'),
    42: space('import tokens', 'id of the instance'),
  },
  iam: {
    64: space('accounts', 'id'),
    65: space('instances', 'id'),
    66: space('users and service ids', 'ids of account and identity'),
    67: space('credentials', 'access key id'),
    68: space('API keys', 'keyed hash of the API key'),
    69: space('policies', 'id'),
    70: space('token signing keys', 'id'),
    71: space('custom roles', 'id'),
    75: space('resource keys', 'id'),
    76: space('removed instances', 'id'),
    80: space('AWS users', 'ids'),
    81: space('AWS groups', 'ids'),
    82: space('AWS roles', 'ids'),
    83: space('identity providers', 'id of the account, URL'),
    84: space('managed policies', 'id of the account, path, name'),
  },
}

/** Space 255, the store's own, and 254 are in clear altogether: docs/storage-format.md, section 2. */
export const OWN_SPACE = 255
export const EPOCH_SPACE = 254
export const OWN_SPACES: Readonly<Record<number, Space>> = {
  [EPOCH_SPACE]: space('epochs', 'numbers and salts'),
  [OWN_SPACE]: space(
    'format, sequence and counters',
    'ids of buckets, CRNs of root keys, how much lies under which key',
  ),
}
