import { expect, it } from 'vitest'
import { warnBytesOf, watchDisks } from '../../src/server/disk-watch.ts'
import { startHouse } from '../support/house.ts'
import { readMetrics } from '../support/metrics.ts'
import { makeBucket } from '../support/s3.ts'

const MIB = 1024 ** 2

it('a disk is told of once at each mark, on the way back only when it is well above it', async () => {
  const said: string[] = []
  const say = (level: string) => (_: object, message: string) => void said.push(`${level}: ${message}`)
  let free = 500
  using watch = watchDisks({
    disks: [{ name: 'data', directory: '/data' }],
    ...{ reserveBytes: 100 * MIB, warnBytes: 300 * MIB },
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    freeBytes: async () => {
      if (Number.isNaN(free)) throw new Error('the file system does not answer')
      return free * MIB
    },
  })
  const at = async (mib: number) => {
    free = mib
    said.length = 0
    await watch.look()
    return { state: watch.states().get('data'), said: said.map((each) => each.split(':')[0]) }
  }
  expect(await at(300)).toEqual({ state: 'ok', said: [] })
  expect(watch.problems()).toEqual([])
  expect(await at(299)).toEqual({ state: 'low', said: ['warn'] })
  expect(watch.problems()).toEqual(['the disk of data has 299 MiB left: writes are refused below 100 MiB'])
  expect(await at(301)).toEqual({ state: 'low', said: [] })
  expect(await at(99)).toEqual({ state: 'full', said: ['error'] })
  expect(watch.problems()).toEqual([
    'the disk of data has 99 MiB left, and 100 MiB are its reserve: writes are refused',
  ])
  expect(await at(101)).toEqual({ state: 'full', said: [] })
  expect(await at(Number.NaN)).toEqual({ state: 'full', said: [] })
  expect(await at(106)).toEqual({ state: 'low', said: ['warn'] })
  expect(await at(320)).toEqual({ state: 'ok', said: ['info'] })
  expect(watch.problems()).toEqual([])
})

it('the low mark is three reserves unless it is given, and never below the reserve', () => {
  expect(warnBytesOf(100, undefined)).toBe(300)
  expect(warnBytesOf(100, 150)).toBe(150)
  expect(warnBytesOf(100, 0)).toBe(100)
})

it('a disk below its low mark serves and writes, and says so to who asks', async () => {
  const settings = { COFFER_DISK_RESERVE_BYTES: '0', COFFER_DISK_WARN_BYTES: `${2 ** 52}` }
  await using test = await startHouse({ settings })
  await makeBucket(test.client(), 'taken')
  const reply = await fetch(`${test.objectsControlUrl}/health/ready`)
  expect(reply.status).toBe(200)
  expect(await reply.json()).toMatchObject({
    problems: [expect.stringMatching(/^the disk of data has \d+ MiB left: writes are refused below 0 MiB$/)],
  })
  expect(await readMetrics(test)).toMatchObject({
    'coffer_disk_state{disk="data",state="low"}': 1,
    'coffer_disk_state{disk="data",state="full"}': 0,
    'coffer_disk_warn_bytes{disk="data"}': 2 ** 52,
  })
})
