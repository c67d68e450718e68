/**
 * What the other threads read: how many hold an envelope, in memory that all threads share, in a slot that it has in common
 * with others. One that is taken for held by mistake is removed a little later.
 */
export interface SharedPins {
  readonly hold: (blobId: string) => Disposable
  /** When it is, `onReleased` is called in the thread that lets go of it last. */
  readonly isHeld: (blobId: string) => boolean
}

const SLOTS = 2 ** 16
/** Ids are random. */
const SLOT_DIGITS = 4

export const pinMemory = (): SharedArrayBuffer => new SharedArrayBuffer(2 * SLOTS * Int32Array.BYTES_PER_ELEMENT)

export function sharedPins(memory: SharedArrayBuffer, onReleased: () => void = () => {}): SharedPins {
  const counts = new Int32Array(memory, 0, SLOTS)
  /** 1: somebody waits for it. */
  const waited = new Int32Array(memory, SLOTS * Int32Array.BYTES_PER_ELEMENT)
  const slotOf = (blobId: string): number => Number.parseInt(blobId.slice(-SLOT_DIGITS), 16)
  return {
    hold: (blobId) => {
      const slot = slotOf(blobId)
      Atomics.add(counts, slot, 1)
      return {
        [Symbol.dispose]: () => {
          const left = Atomics.sub(counts, slot, 1) - 1
          if (left === 0 && Atomics.exchange(waited, slot, 0) === 1) onReleased()
        },
      }
    },
    isHeld: (blobId) => {
      const slot = slotOf(blobId)
      // Said first: whoever lets go after the look sees it.
      Atomics.store(waited, slot, 1)
      if (Atomics.load(counts, slot) > 0) return true
      Atomics.store(waited, slot, 0)
      return false
    },
  }
}
