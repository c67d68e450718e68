import { join } from 'node:path'
import { bareInstanceKey } from '../../envelope/instance-key.ts'
import type { KeyBundle } from '../../envelope/key-bundle.ts'
import { logMark } from '../../envelope/log-mark.ts'
import { recordCipher } from '../../envelope/record-cipher.ts'
import { loadCatalog } from '../../kms/load-catalog.ts'
import { createMaterials } from '../../kms/material.ts'
import { fillLevelStore, openLevelStore } from '../../storage/metadata/level-store.ts'
import { openNonceSource } from '../../storage/metadata/nonce-source.ts'
import { sealedStore } from '../../storage/metadata/sealed-store.ts'
import { decodePairs } from '../../storage/metadata/stored-rows.ts'
import { scratchDirectory } from '../stored-data.ts'

export interface TriedKeys {
  readonly keys: number
  /** Of all keys, also of those that may not be used. */
  readonly versions: number
  /** Whose material was destroyed before the bundle was made. */
  readonly destroyed: number
  /** What does not open, in words. */
  readonly damaged: readonly string[]
}

/** Opens every version of every root key in a bundle, with nothing but what is in it. */
export async function tryBundledKeys({ instanceKey, rows }: KeyBundle): Promise<TriedKeys> {
  await using scope = new AsyncDisposableStack()
  const key = scope.use(bareInstanceKey(Buffer.alloc(instanceKey.length, instanceKey)))
  const damaged: string[] = []
  let [keys, versions, destroyed] = [0, 0, 0]
  if (rows.length === 0) return { keys, versions, destroyed, damaged }
  const directory = join(await scratchDirectory(scope), 'kms')
  await fillLevelStore(directory, [decodePairs(rows).pairs])
  const root = key.derive('records')
  const raw = await openLevelStore(directory, { mark: logMark(root, 'kms'), onFailure: () => {} })
  scope.defer(() => raw.close())
  const store = sealedStore(raw, recordCipher(root, await openNonceSource(raw), 'records/kms'))
  const catalog = await loadCatalog(store, ({ what, keyId }) => damaged.push(`${what} (${keyId ?? 'of no key'})`))
  const materials = createMaterials(key.derive('kms'))
  scope.defer(() => materials.close())
  for (const entry of catalog.all()) {
    keys++
    for (const version of entry.versions) {
      if (version.sealed === undefined) destroyed++
      else {
        versions++
        try {
          materials.reveal(entry, version).fill(0)
        } catch {
          damaged.push(`the material of version ${version.id} of key ${entry.id}`)
        }
      }
    }
  }
  return { keys, versions, destroyed, damaged }
}
