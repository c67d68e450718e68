import { statfs } from 'node:fs/promises'

export interface WatchedDisk {
  /** `data`, or the name of a storage class. */
  readonly name: string
  readonly directory: string
}

/** `low`: somebody should look; all goes on. `full`: at the reserve, so that nothing new is taken. */
export type DiskState = 'ok' | 'low' | 'full'

/** The part of the logger that this needs. */
export type DiskLog = Readonly<Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>>

export interface DiskWatchOptions {
  readonly disks: readonly WatchedDisk[]
  readonly reserveBytes: number
  readonly warnBytes: number
  readonly log: DiskLog
  /** Free bytes. Default: asks the file system. */
  readonly freeBytes?: (directory: string) => Promise<number>
}

/** Looks at the free space now and then, and says so once when it becomes little and once when there is enough again. */
export interface DiskWatch extends Disposable {
  readonly look: () => Promise<void>
  /** As they were at the last look; a disk that could not be asked is as it was before. */
  readonly states: () => ReadonlyMap<string, DiskState>
  /** For who asks whether all is well. */
  readonly problems: () => readonly string[]
}

const LOOK_MS = 2000
/** Of a mark, above which a disk leaves a state again: one that stands at it must not be told of at every look. */
const WAY_BACK = 1.05

/** Below which it is low: of a disk that is not told of otherwise. */
export const warnBytesOf = (reserveBytes: number, warnBytes: number | undefined): number =>
  Math.max(warnBytes ?? 3 * reserveBytes, reserveBytes)

export function watchDisks(options: DiskWatchOptions): DiskWatch {
  const { disks, reserveBytes, warnBytes, log, freeBytes = askFileSystem } = options
  const seen = new Map<string, { readonly state: DiskState; readonly free: number }>()

  const look = async (): Promise<void> => {
    await Promise.all(
      disks.map(async ({ name, directory }) => {
        const free = await freeBytes(directory).catch(() => undefined)
        if (free === undefined) return
        const before = seen.get(name)?.state ?? 'ok'
        const state = stateOf(free, before, { reserveBytes, warnBytes })
        seen.set(name, { state, free })
        if (state !== before) tell(name, directory, state, free)
      }),
    )
  }
  const tell = (disk: string, directory: string, state: DiskState, free: number): void => {
    const fields = { disk, directory, freeBytes: free, reserveBytes, warnBytes }
    if (state === 'ok') log.info(fields, 'there is room on the disk again')
    else if (state === 'low') log.warn(fields, 'the disk is nearly full: at its reserve, writes are refused')
    else log.error(fields, 'the disk is full to its reserve: writes are REFUSED; reading, deleting and keys go on')
  }

  let looking = false
  const timer = setInterval(() => {
    // A file system that hangs is not asked again and again.
    if (looking) return
    looking = true
    void look().finally(() => {
      looking = false
    })
  }, LOOK_MS)
  timer.unref()

  return {
    look,
    states: () => new Map(Array.from(seen, ([name, { state }]) => [name, state])),
    problems: () =>
      [...seen].flatMap(([name, { state, free }]) => {
        if (state === 'ok') return []
        const left = `the disk of ${name} has ${mib(free)} left`
        return state === 'full'
          ? [`${left}, and ${mib(reserveBytes)} are its reserve: writes are refused`]
          : [`${left}: writes are refused below ${mib(reserveBytes)}`]
      }),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

function stateOf(
  free: number,
  before: DiskState,
  { reserveBytes, warnBytes }: Pick<DiskWatchOptions, 'reserveBytes' | 'warnBytes'>,
): DiskState {
  const isBelow = (mark: number, was: boolean): boolean => free < (was ? mark * WAY_BACK : mark)
  if (isBelow(reserveBytes, before === 'full')) return 'full'
  return isBelow(warnBytes, before !== 'ok') ? 'low' : 'ok'
}

async function askFileSystem(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

const mib = (bytes: number): string => `${Math.floor(bytes / 1024 ** 2)} MiB`
