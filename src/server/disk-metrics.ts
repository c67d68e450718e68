import { statfs } from 'node:fs/promises'
import type { Metric } from '../observe/metrics.ts'
import type { DiskState, WatchedDisk } from './disk-watch.ts'

const STATES: readonly DiskState[] = ['ok', 'low', 'full']

export interface DiskMarks {
  readonly reserveBytes: number
  readonly warnBytes: number
  readonly states: ReadonlyMap<string, DiskState>
}

/** Room on the file systems that things are stored on. One that does not answer is left out. */
export async function diskMetrics(
  disks: readonly WatchedDisk[],
  { reserveBytes, warnBytes, states }: DiskMarks,
): Promise<readonly Metric[]> {
  const looks = disks.map(async ({ name, directory }) => {
    const { bavail, blocks, bsize } = await statfs(directory)
    return { disk: name, freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  })
  const found = (await Promise.allSettled(looks)).flatMap((look) => (look.status === 'fulfilled' ? [look.value] : []))
  const gauge = (name: string, help: string, of: (one: (typeof found)[number]) => number): Metric => ({
    ...{ name, help, type: 'gauge' },
    samples: found.map((one) => ({ labels: { disk: one.disk }, value: of(one) })),
  })
  return [
    gauge(
      'coffer_disk_free_bytes',
      'Free bytes of the file system, the reserve included.',
      ({ freeBytes }) => freeBytes,
    ),
    gauge('coffer_disk_size_bytes', 'Size of the file system.', ({ totalBytes }) => totalBytes),
    gauge(
      'coffer_disk_reserve_bytes',
      'Bytes that data never takes: below them, writes are refused.',
      () => reserveBytes,
    ),
    gauge('coffer_disk_warn_bytes', 'Free bytes below which the disk counts as low.', () => warnBytes),
    {
      ...{ name: 'coffer_disk_state', help: 'The state that the disk is in has 1.', type: 'gauge' },
      samples: [...states].flatMap(([disk, now]) =>
        STATES.map((state) => ({ labels: { disk, state }, value: state === now ? 1 : 0 })),
      ),
    },
  ]
}
