import { mkdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { diceFrom } from '../support/content.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { check } from './harness/check.ts'
import { type JournalEntry, readJournal } from './harness/journal.ts'
import { put } from './harness/load.ts'
import { readTree, replay, writeTree } from './harness/power-cut.ts'
import { openRig } from './harness/rig.ts'
import { openShim, shimMissing } from './harness/shim.ts'

const NONE = {
  creates: false,
  empties: false,
  path2: '',
  place: '',
  upTo: 0,
  opened: 0,
  offset: 0,
  data: Buffer.alloc(0),
}
const calls = (...entries: readonly Partial<JournalEntry>[]): readonly JournalEntry[] =>
  entries.map((entry, at) => ({ ...NONE, op: 'open', path: 'a', sequence: at + 1, ...entry }))
const many = (journal: readonly JournalEntry[], strictness: 'bytes' | 'ordered' | 'strict') =>
  Array.from({ length: 60 }, (_, n) => replay(new Map(), journal).cut(strictness, diceFrom(`${n}`)))

const written = calls(
  { op: 'open', creates: true, opened: 1 },
  { op: 'write', opened: 1, data: Buffer.from('kept') },
  { op: 'fdatasync', opened: 1, upTo: 2 },
  { op: 'write', opened: 1, offset: 4, data: Buffer.from('lost') },
)
const renamed = calls(
  { op: 'open', path: 'draft', creates: true, opened: 1 },
  { op: 'write', path: 'draft', opened: 1, data: Buffer.from('new') },
  { op: 'fsync', path: 'draft', opened: 1, upTo: 2 },
  { op: 'rename', path: 'draft', path2: 'file' },
)
const unnamed = calls(
  { op: 'mkdir', path: 'd' },
  { op: 'open', path: 'd/f', creates: true, opened: 1 },
  { op: 'fsync', path: 'd/f', opened: 1, upTo: 2 },
)

describe('A power cut', () => {
  it.each(['bytes', 'ordered', 'strict'] as const)(
    'keeps what was synced, and of the rest anything (%s)',
    (strictness) => {
      const found = many(written, strictness).map((tree) => tree.get('a')?.toString('latin1') ?? 'no file')
      expect(found.filter((text) => !text.startsWith('kept'))).toEqual([])
      expect(new Set(found)).toEqual(new Set(['kept', 'keptlost', 'kept\0\0\0\0']))
    },
  )

  it('may undo a renaming whose directory was not synced, but never loses both names', () => {
    const found = many(renamed, 'strict').map((tree) => [...tree.keys()].join())
    expect(new Set(found)).toEqual(new Set(['draft', 'file']))
    const synced = [
      ...renamed,
      ...calls({ op: 'look', path: '.', opened: 2 }, { op: 'fsync', path: '.', opened: 2, upTo: 9 }),
    ]
    expect(new Set(many(synced, 'strict').map((tree) => [...tree.keys()].join()))).toEqual(new Set(['file']))
    expect(new Set(many(renamed, 'bytes').map((tree) => [...tree.keys()].join()))).toEqual(new Set(['file']))
  })

  it('loses a synced file with its directory where names are strict, and never where they are in order', () => {
    expect(many(unnamed, 'strict').some((tree) => !tree.has('d/f'))).toBe(true)
    expect(many(unnamed, 'ordered').every((tree) => tree.has('d/f'))).toBe(true)
  })
})

const missing = shimMissing()
it.skipIf(missing !== undefined)(
  `is of what a server did: its journal gives the very files (${missing ?? 'with cc'})`,
  async () => {
    await using home = await temporaryDirectory()
    const directory = home.join('rig')
    await mkdir(directory)
    using shim = openShim(`${directory}/store`, directory)
    shim.record('changes')
    const options = { directory, seed: 'journal', workers: 3, keysPerWorker: 4, loadMs: 500 }
    const rig = await openRig(options, { settings: shim.environment })
    await rig.underLoad({ seed: 'journal', act: () => sleep(700) })
    await rig.server().stop()
    const told = (tree: ReadonlyMap<string, Buffer | undefined>) =>
      Object.fromEntries(
        [...tree]
          .filter(([name]) => !/\/LOG(\.old)?$/.test(name))
          .map(([name, bytes]) => [name, bytes?.toString('base64').slice(-200) ?? 'directory']),
      )
    expect(told(replay(new Map(), await readJournal(shim.journal)).seen())).toEqual(told(await readTree(rig.root)))
    await rig.close()
  },
)

/** What does not find losses shows nothing by finding none. */
it.skipIf(missing !== undefined).each([
  { lie: 'data/blobs/*', acceptsLoss: false },
  // Without this the start is refused: the witness tells.
  { lie: 'data/metadata/#.log', acceptsLoss: true },
])('is found out by the model where syncs of $lie are none', async ({ lie, acceptsLoss }) => {
  await using home = await temporaryDirectory()
  const directory = home.join('rig')
  await mkdir(directory)
  using shim = openShim(`${directory}/store`, directory)
  shim.record('changes')
  const options = { directory, seed: 'lies', workers: 0, keysPerWorker: 0, loadMs: 0, acceptsLoss }
  const rig = await openRig(options, { settings: shim.environment })
  const [bucket = ''] = rig.buckets
  shim.rules([{ ops: ['fdatasync', 'fsync'], place: lie, action: 'lie' }])
  for (let at = 0; at < 16; at++) {
    const [key, version] = [`key-${at}`, { seed: `lies/${at}`, lengthBytes: 2000 }]
    rig.model.begin(bucket, key, version)
    await put(rig.client, bucket, key, version)
    rig.model.acknowledge(bucket, key, version)
  }
  await rig.server().kill()
  shim.rules([])
  // Of the whole run: what the server does by itself may come between any two looks at its journal.
  await writeTree(rig.root, replay(new Map(), await readJournal(shim.journal)).cut('bytes', diceFrom('lies')))
  await rig.start()
  const { violations } = await check(rig.client, rig.model, rig.buckets)
  expect(violations.length).toBeGreaterThan(0)
  await rig.close()
})
