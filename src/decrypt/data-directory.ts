import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BlobDirectories } from './blobs.ts'
import { type Bucket, findBucket, readBuckets } from './buckets.ts'
import { type ContentKeys, inPieces, type OpenedObject, openObject } from './content.ts'
import { isDecryptError, usage } from './errors.ts'
import { type InstanceKeySource, openInstanceKey } from './instance-key.ts'
import { storeOf } from './key-bundle.ts'
import type { LevelRow } from './level/level-store.ts'
import type { ObjectRow } from './objects.ts'
import { type RootKeySources, type RootKeys, rootKeys } from './root-keys.ts'
import { openRows, type Rows, rowsIn } from './rows.ts'
import { openSealedReplica } from './sealed-replica.ts'

export interface DirectoryKeys extends ContentKeys {
  readonly instance: InstanceKeySource
  /** Another data directory, that of the key service, with its own instance key. */
  readonly kms?: { readonly directory: string; readonly instance: InstanceKeySource } | undefined
  /** Root keys as they were when a bundle of them was made: for where the store of them is not to be had. */
  readonly bundle?: readonly LevelRow[] | undefined
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
  const { kms, problem } = openKeys(directory, instanceKey, keys)
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
      return {
        ...opened,
        pieces: function* () {
          const replica = opened.source()
          try {
            for (const part of openSealedReplica(replica, root)) yield* inPieces(part)
          } finally {
            replica.close()
          }
        },
      }
    },
    warnings: [...liveness(directory), ...problem, ...rows.warnings, ...(kms?.rows.warnings ?? [])],
    close: () => {
      rows.close()
      kms?.rows.close()
    },
  }
}

interface OpenKeys {
  readonly kms: RootKeySources['kms']
  readonly problem: readonly string[]
}

/** Where the keys are damaged, what they are not needed for opens all the same. */
function openKeys(directory: string, instanceKey: Buffer, { kms, bundle = [] }: DirectoryKeys): OpenKeys {
  const home = kms?.directory ?? directory
  const bundled = bundle.length > 0 ? { rows: rowsIn(storeOf(bundle), 'kms', instanceKey), instanceKey } : undefined
  // A store whose keys are elsewhere has none of its own.
  if (!kms && !existsSync(join(home, 'kms'))) return { kms: bundled, problem: [] }
  const key = kms ? openInstanceKey(kms.directory, kms.instance) : instanceKey
  try {
    return { kms: { rows: openRows(home, 'kms', key), instanceKey: key }, problem: [] }
  } catch (error) {
    if (!isDecryptError(error, 'Damaged')) throw error
    return { kms: bundled, problem: [`the root keys in ${home} cannot be read: ${error.message}`] }
  }
}

/** Files that a server writes at the same time need not fit one another. */
function liveness(directory: string): string[] {
  const path = join(directory, 'coffer.pid')
  if (!existsSync(path)) return []
  const pid = /^(\d+) /.exec(readFileSync(path, 'latin1'))?.[1]
  if (pid === undefined || !existsSync(`/proc/${pid}/cwd`) || !statSync('/proc').isDirectory()) return []
  return [`process ${pid}, which had this directory last, is running: if it is the server, stop it or read a copy`]
}
