import { type DiskFs, nodeFs } from '../../../src/storage/blob/disk-fs.ts'

export interface FaultyDisk extends DiskFs {
  /** Every call with its path, or that of its descriptor, relative to `root`. */
  readonly calls: string[]
  /** From now on, `fault` sees each call before it is made; what it throws is what the file system says. */
  readonly setFault: (fault: Fault | undefined) => void
  /** Descriptors open now. */
  readonly descriptors: () => number
  /** Closes that came while a call on the same descriptor was running. */
  readonly earlyCloses: () => number
}

export type Fault = (call: string, path: string) => void | Promise<void>

export const errno = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code })

/** The real file system, watched, with faults in between. `shortWrites` makes every write take at most so many bytes. */
export function faultyDisk(root: string, { shortWrites }: { readonly shortWrites?: number } = {}): FaultyDisk {
  const paths = new Map<number, string>()
  const running = new Map<number, number>()
  const calls: string[] = []
  let fault: Fault | undefined
  let earlyCloses = 0

  const before = async (call: string, path: string): Promise<void> => {
    const name = path.startsWith(root) ? path.slice(root.length + 1) : path
    calls.push(`${call} ${name}`)
    await fault?.(call, name)
  }
  const onDescriptor = async <Result>(call: string, fd: number, work: () => Promise<Result>): Promise<Result> => {
    running.set(fd, (running.get(fd) ?? 0) + 1)
    try {
      await before(call, paths.get(fd) ?? '?')
      return await work()
    } finally {
      running.set(fd, (running.get(fd) ?? 1) - 1)
    }
  }

  return {
    calls,
    setFault: (next) => {
      fault = next
    },
    descriptors: () => paths.size,
    earlyCloses: () => earlyCloses,
    open: async (path, flags, mode) => {
      await before('open', path)
      const fd = await nodeFs.open(path, flags, mode)
      paths.set(fd, path)
      return fd
    },
    close: async (fd) => {
      if ((running.get(fd) ?? 0) > 0) earlyCloses++
      paths.delete(fd)
      await nodeFs.close(fd)
    },
    read: (fd, buffer, offset, length, position) =>
      onDescriptor('read', fd, async () => nodeFs.read(fd, buffer, offset, length, position)),
    writev: (fd, buffers, position) =>
      onDescriptor('writev', fd, async () => {
        const [first] = buffers
        const taken = shortWrites && first ? [first.subarray(0, shortWrites)] : buffers
        return nodeFs.writev(fd, taken, position)
      }),
    ftruncate: (fd, length) => onDescriptor('ftruncate', fd, () => nodeFs.ftruncate(fd, length)),
    fdatasync: (fd) => onDescriptor('fdatasync', fd, () => nodeFs.fdatasync(fd)),
    fsync: (fd) => onDescriptor('fsync', fd, () => nodeFs.fsync(fd)),
    unlink: async (path) => {
      await before('unlink', path)
      await nodeFs.unlink(path)
    },
    mkdir: async (path, mode) => {
      await before('mkdir', path)
      await nodeFs.mkdir(path, mode)
    },
    rmdir: (path) => nodeFs.rmdir(path),
    readdir: (path) => nodeFs.readdir(path),
    sizeOf: (path) => nodeFs.sizeOf(path),
    statfs: async (path) => {
      await before('statfs', path)
      return nodeFs.statfs(path)
    },
  }
}
