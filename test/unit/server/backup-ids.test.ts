import fc from 'fast-check'
import { expect, it } from 'vitest'
import { backupId, isBackupId, laterBackupId } from '../../../src/server/backup/manifest.ts'

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

it('A backup sorts behind all that are there, also when the clock was set back', () => {
  const atMs = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2020, 0) + 5000 })
  fc.assert(
    fc.property(fc.option(atMs, { nil: undefined }), atMs, (earlier, nowMs) => {
      const newest = earlier === undefined ? undefined : backupId(earlier)
      const id = laterBackupId(newest, nowMs)
      expect(isBackupId(id)).toBe(true)
      expect(id > (newest ?? '')).toBe(true)
      // Ids of earlier releases have random digits where the milliseconds are.
      expect(laterBackupId('20200101T000000Z-ffffffff', nowMs) > '20200101T000000Z-ffffffff').toBe(true)
    }),
  )
})
