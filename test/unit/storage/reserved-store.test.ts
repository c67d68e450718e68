import { describe, expect, it } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { Write } from '../../../src/storage/metadata/metadata-store.ts'
import { reservedStore } from '../../../src/storage/metadata/reserved-store.ts'

const name = (text: string): Buffer => Buffer.from(text)
const put = (key: string, more: { readonly space?: number; readonly if?: string | null } = {}): Write => ({
  type: 'put',
  space: more.space ?? 1,
  key: name(key),
  value: name('value'),
  ...('if' in more ? { if: more.if } : {}),
})

/** A store with one row, `there`, over a disk that has `freeBytes` above the reserve. */
async function store(growing?: (space: number) => boolean) {
  const inner = memoryStore()
  await inner.commit([put('there')])
  const disk = { freeBytes: 0 }
  const space = {
    ensure: async (bytes: number) => {
      if (bytes > disk.freeBytes) throw new CodedError('NoSpace', 'full')
    },
    took: (bytes: number) => {
      disk.freeBytes -= bytes
    },
  }
  const reserved = reservedStore(inner, growing ? { space, growing } : { space })
  const token = (await reserved.get(1, name('there')))?.token ?? ''
  return { inner, disk, reserved, token }
}

const full = { code: 'NoSpace' }

describe('a store at the reserve of its disk', () => {
  it.each<[string, readonly Write[]]>([
    ['a row that must not exist', [put('new', { if: null })]],
    ['a row that does not exist', [put('new')]],
    ['one new row among old ones', [put('there'), put('new', { if: null })]],
    ['a new row and a counter', [{ type: 'add', key: name('count'), delta: 1 }, put('new')]],
  ])('does not make %s, and writes nothing', async (_, writes) => {
    const { inner, reserved, token } = await store()
    await expect(reserved.commit(writes)).rejects.toMatchObject(full)
    expect(await inner.get(1, name('new'))).toBeUndefined()
    expect((await inner.get(1, name('there')))?.token).toBe(token)
    expect(await inner.counters(Buffer.alloc(0))).toEqual([])
  })

  it('updates, checks, counts and deletes, and makes rows together with a deletion', async () => {
    const { inner, reserved, token } = await store()
    expect(await reserved.commit([{ type: 'check', space: 1, key: name('there'), if: token }])).toBe(true)
    expect(await reserved.commit([put('there', { if: token })])).toBe(true)
    expect(await reserved.commit([put('there')])).toBe(true)
    expect(await reserved.commit([{ type: 'add', key: name('count'), delta: 1 }])).toBe(true)
    const removal: Write[] = [{ type: 'delete', space: 1, key: name('there') }, put('garbage', { if: null })]
    expect(await reserved.commit(removal)).toBe(true)
    expect(await inner.get(1, name('there'))).toBeUndefined()
    expect(await inner.get(1, name('garbage'))).toBeDefined()
  })

  it('makes rows of the spaces that do not grow', async () => {
    const { inner, reserved } = await store((space) => space === 1)
    expect(await reserved.commit([put('new', { space: 2, if: null })])).toBe(true)
    expect(await inner.get(2, name('new'))).toBeDefined()
    await expect(reserved.commit([put('new', { if: null })])).rejects.toMatchObject(full)
  })

  it('makes rows again when there is space, and counts what they take', async () => {
    const { disk, reserved } = await store()
    disk.freeBytes = 40
    expect(await reserved.commit([put('new 1', { if: null })])).toBe(true)
    expect(await reserved.commit([put('new 2', { if: null })])).toBe(true)
    await expect(reserved.commit([put('new 3', { if: null })])).rejects.toMatchObject(full)
    disk.freeBytes = 40
    expect(await reserved.commit([put('new 3', { if: null })])).toBe(true)
  })
})
