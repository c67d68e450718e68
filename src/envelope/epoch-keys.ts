import type { KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** Keys of epochs, derived from one root for one or more labels. None is kept after disposal. */
export interface EpochKeys extends Disposable {
  readonly get: (label: string, epoch: number) => KeyObject | undefined
  readonly set: (label: string, epoch: number, key: KeyObject) => void
}

export function epochKeys(max: number): EpochKeys {
  const keys = new LRUCache<string, KeyObject>({ max })
  let disposed = false
  return {
    get: (label, epoch) => keys.get(`${epoch} ${label}`),
    set: (label, epoch, key) => {
      if (!disposed) keys.set(`${epoch} ${label}`, key)
    },
    [Symbol.dispose]: () => {
      disposed = true
      keys.clear()
    },
  }
}
