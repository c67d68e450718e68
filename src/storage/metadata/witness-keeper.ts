export interface WitnessKeeperOptions {
  /** What the witness says; undefined when there is none. */
  readonly kept: number | undefined
  /** How far the store is durable now. */
  readonly synced: number
  /** Resolves when the witness says so, durably. */
  readonly write: (sequence: number) => Promise<void>
  /** Called at the first of failures in a row. It is tried again. */
  readonly onError: (error: unknown) => void
}

export interface WitnessKeeper {
  /** The store is durable up to `sequence`. Waits for nothing, and fails never. */
  readonly synced: (sequence: number) => void
  /** Brings the witness up to what was synced last. Precondition: no `synced` follows. */
  readonly close: () => Promise<void>
}

/** Behind the commits, never among them: each costs a sync of its own. */
const PAUSE_MS = 1000

/** Moves a witness after its store: at once when it was idle, else after a pause. Never ahead, never back. */
export function witnessKeeper({ write, onError, ...start }: WitnessKeeperOptions): WitnessKeeper {
  let kept = start.kept ?? -1
  let synced = start.synced
  let failing = false
  let writing: Promise<void> | undefined
  let pause: NodeJS.Timeout | undefined

  const catchUp = async (): Promise<void> => {
    const sequence = synced
    if (sequence <= kept) return
    try {
      await write(sequence)
      kept = sequence
      failing = false
    } catch (error) {
      if (!failing) onError(error)
      failing = true
    }
  }

  const begin = (): void => {
    writing ??= catchUp().then(() => {
      writing = undefined
      pause = setTimeout(() => {
        pause = undefined
        if (synced > kept) begin()
      }, PAUSE_MS)
      pause.unref()
    })
  }

  return {
    synced: (sequence) => {
      synced = sequence
      if (pause === undefined) begin()
    },
    close: async () => {
      await writing
      clearTimeout(pause)
      await catchUp()
    },
  }
}
