import fc from 'fast-check'
import { expect, it } from 'vitest'
import { backupId, isBackupId } from '../../../src/server/backup/manifest.ts'

it('Ids of backups sort as they were taken, within one second, too', () => {
  const atMs = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2020, 0) + 5000 })
  fc.assert(
    fc.property(atMs, atMs, (one, other) => {
      fc.pre(one < other)
      const [earlier, later] = [backupId(one), backupId(other)]
      expect([isBackupId(earlier), earlier < later]).toEqual([true, true])
    }),
  )
})
