import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BlobDirectories } from './blobs.ts'
import { type Bucket, findBucket, readBuckets } from './buckets.ts'
import type { ByteSource } from './bytes.ts'
import { type ContentKeys, inPieces, type OpenedObject, openObject } from './content.ts'
import { usage } from './errors.ts'
import { type InstanceKeySource, openInstanceKey } from './instance-key.ts'
import type { ObjectRow } from './objects.ts'
import { type RootKeySources, type RootKeys, rootKeys } from './root-keys.ts'
import { openRows, type Rows } from './rows.ts'
import { openSealedReplica } from './sealed-replica.ts'

export interface DirectoryKeys extends ContentKeys {
  readonly instance: InstanceKeySource
  /** Another data directory, that of the key service, with its own instance key. */
  readonly kms?: { readonly directory: string; readonly instance: InstanceKeySource } | undefined
  readonly materials: RootKeySources['materials']
  readonly unwrapped: RootKeySources['unwrapped']
  readonly classes: BlobDirectories['classes']
}

/** A data directory, read and never written. */
export interface DataDirectory {
  readonly rows: Rows
  readonly instanceKey: Buffer
  readonly buckets: () => Generator<Bucket>
  readonly bucket: (name: string) => Bucket
  /** The plaintext as S3 gives it: of a sealed replica what is sealed in it, too. */
  readonly open: (object: ObjectRow) => OpenedObject
  readonly warnings: readonly string[]
  readonly close: () => void
}

/** Throws KeyMissing, KeyWrong, Damaged, Usage. */
export function openDataDirectory(directory: string, keys: DirectoryKeys): DataDirectory {
  if (!existsSync(join(directory, 'instance-key.json'))) throw usage(`there is no data directory in ${directory}`)
  const instanceKey = openInstanceKey(directory, keys.instance)
  const rows = openRows(directory, 'metadata', instanceKey)
  const kms = openKeys(directory, instanceKey, keys)
  const root: RootKeys = rootKeys({ kms, materials: keys.materials, unwrapped: keys.unwrapped })
  const blobs = { directory, classes: keys.classes }
  return {
    rows,
    instanceKey,
    buckets: () => readBuckets(rows, root),
    bucket: (name) => findBucket(rows, root, name),
    open: (object) => {
      const opened = openObject(rows, blobs, object, keys)
      if (object.sealing['f'] !== true) return opened
      const replica = whole(opened)
      return {
        ...opened,
        pieces: function* () {
          for (const part of openSealedReplica(replica, root)) yield* inPieces(part)
        },
      }
    },
    warnings: [...liveness(directory), ...rows.warnings, ...(kms?.rows.warnings ?? [])],
    close: () => {
      rows.close()
      kms?.rows.close()
    },
  }
}

function openKeys(directory: string, instanceKey: Buffer, { kms }: DirectoryKeys): RootKeySources['kms'] {
  if (kms) {
    const key = openInstanceKey(kms.directory, kms.instance)
    return { rows: openRows(kms.directory, 'kms', key), instanceKey: key }
  }
  // A store whose keys are elsewhere has none of its own.
  if (!existsSync(join(directory, 'kms', 'CURRENT'))) return undefined
  return { rows: openRows(directory, 'kms', instanceKey), instanceKey }
}

/** A replica is read in pieces that do not end where its own do, so it is held. */
function whole({ pieces }: OpenedObject): ByteSource {
  const bytes = Buffer.concat([...pieces()])
  return { length: bytes.length, read: (at, length) => bytes.subarray(at, at + length) }
}

/** Files that a server writes at the same time need not fit one another. */
function liveness(directory: string): string[] {
  const path = join(directory, 'coffer.pid')
  if (!existsSync(path)) return []
  const pid = /^(\d+) /.exec(readFileSync(path, 'latin1'))?.[1]
  if (pid === undefined || !existsSync(`/proc/${pid}/cwd`) || !statSync('/proc').isDirectory()) return []
  return [`process ${pid}, which had this directory last, is running: if it is the server, stop it or read a copy`]
}
