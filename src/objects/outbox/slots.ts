/** Deliveries to one target that have just begun. */
const YOUNG_AT_A_TIME = 32
/** One that takes longer keeps only what is about the same object waiting. */
const YOUNG_MS = 100
/** Deliveries to one target: beyond that each bucket has one of a kind at a time. */
const CROWD = 64

export interface Slot {
  /** It goes on, and has taken long. */
  readonly isOld: () => boolean
  readonly end: () => void
}

/** What is on its way to one target, of all its buckets. */
export interface Slots {
  /** Deliveries under way. */
  readonly all: () => number
  /** Deliveries that may begin. */
  readonly free: () => number
  readonly isCrowded: () => boolean
  /** `onOld`: called when it has grown old. */
  readonly begin: (onOld: () => void) => Slot
  /** Keeps one free until that is called. */
  readonly reserve: () => () => void
}

/** `onFree`: called when a delivery has ended, or grown old. `onRoom`: they were crowded, and are no more. */
export function openSlots(onFree: () => void, onRoom: () => void): Slots {
  let young = 0
  let all = 0
  const take = (): (() => void) => {
    let isTaken = true
    young++
    return () => {
      if (isTaken) young--
      isTaken = false
    }
  }
  return {
    all: () => all,
    free: () => YOUNG_AT_A_TIME - young,
    isCrowded: () => all >= CROWD,
    begin: (onOld) => {
      const release = take()
      let isOld = false
      all++
      const timer = setTimeout(() => {
        isOld = true
        release()
        onOld()
        onFree()
      }, YOUNG_MS)
      timer.unref()
      return {
        isOld: () => isOld,
        end: () => {
          clearTimeout(timer)
          if (all-- === CROWD) onRoom()
          release()
          onFree()
        },
      }
    },
    reserve: take,
  }
}
