/** What is to be read is looked up and then held; each lookup may find a record that is dropped before it is held. */
export interface Pinning {
  readonly pin: <T extends { readonly blobId: Buffer }>(lookUp: () => Promise<T>) => Promise<Pinned<T>>
  /** Resolves when those have ended that are under way. */
  readonly settled: () => Promise<void>
}

export interface Pinned<T> extends Disposable {
  readonly found: T
}

export function pinning(hold: (blobId: string) => Disposable): Pinning {
  const lookups = new Set<Promise<unknown>>()
  return {
    pin: async (lookUp) => {
      const pinned = lookUp().then((found) => ({ found, ...hold(found.blobId.toString('hex')) }))
      lookups.add(pinned)
      try {
        return await pinned
      } finally {
        lookups.delete(pinned)
      }
    },
    settled: async () => void (await Promise.allSettled(lookups)),
  }
}
