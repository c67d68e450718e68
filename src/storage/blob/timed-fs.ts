import type { DiskFs } from './disk-fs.ts'

/** Tells how long each sync of content took; those of directories are not counted. */
export const timedFs = (disk: DiskFs, onSync: (seconds: number) => void): DiskFs => ({
  ...disk,
  fdatasync: async (fd) => {
    const began = performance.now()
    await disk.fdatasync(fd)
    onSync((performance.now() - began) / 1000)
  },
})
