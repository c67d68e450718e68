import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { groupsByRange } from '../../src/storage/metadata/groups.ts'
import type { Entry, Group, MetadataStore, Token, Write } from '../../src/storage/metadata/metadata-store.ts'

export interface MetadataStoreSubject {
  readonly store: MetadataStore
  /** Closes the store and opens it again over the same data. Absent where nothing outlives the store. */
  readonly reopen?: () => Promise<MetadataStore>
  readonly cleanup: () => Promise<void>
}

const SPACE = 7
const bytes = (text: string): Buffer => Buffer.from(text)
const put = (key: string, value: string, condition?: Token | null): Write => ({
  type: 'put',
  space: SPACE,
  key: bytes(key),
  value: bytes(value),
  ...(condition === undefined ? {} : { if: condition }),
})
const remove = (key: string, condition?: Token): Write => ({
  type: 'delete',
  space: SPACE,
  key: bytes(key),
  ...(condition === undefined ? {} : { if: condition }),
})
const check = (key: string, condition: Token | null): Write => ({
  type: 'check',
  space: SPACE,
  key: bytes(key),
  if: condition,
})
const add = (key: string, delta: number): Write => ({ type: 'add', key: bytes(key), delta })
const ALL = { gte: Buffer.alloc(0), lt: Buffer.alloc(2048, 0xff), limit: 10_000 }
const texts = (entries: readonly Entry[]): string[] => entries.map(({ key, value }) => `${key}=${value}`)
const described = (groups: readonly Group[]): string[] =>
  groups.map((group) =>
    'entry' in group
      ? `${group.entry.key.toString('hex')}=${group.entry.value.toString('hex')}@${group.entry.token}`
      : `${group.prefix.toString('hex')}...`,
  )

/** What every MetadataStore does. `open` gives a new, empty store each time. */
export function metadataStoreSuite(name: string, open: () => Promise<MetadataStoreSubject>): void {
  describe(`metadata store: ${name}`, () => {
    let subject: MetadataStoreSubject
    let store: MetadataStore
    beforeEach(async () => {
      subject = await open()
      store = subject.store
    })
    afterEach(() => subject.cleanup())

    const textOf = async (key: string): Promise<string | undefined> =>
      (await store.get(SPACE, bytes(key)))?.value.toString()
    const tokenOf = async (key: string): Promise<Token> => {
      const entry = await store.get(SPACE, bytes(key))
      if (!entry) throw new Error(`no ${key}`)
      return entry.token
    }
    const stored = async (): Promise<string[]> => texts(await store.range(SPACE, ALL))

    it('gives back what was put, and undefined for what was not', async () => {
      expect(await store.commit([put('a', 'one')])).toBe(true)
      expect(await store.get(SPACE, bytes('a'))).toMatchObject({ key: bytes('a'), value: bytes('one') })
      expect(await store.get(SPACE, bytes('b'))).toBeUndefined()
      expect(await store.get(SPACE + 1, bytes('a'))).toBeUndefined()
    })

    it('accepts empty keys, empty values and an empty commit', async () => {
      expect(await store.commit([put('', '')])).toBe(true)
      expect(await textOf('')).toBe('')
      expect(await store.commit([])).toBe(true)
    })

    it('gets many in the order asked for', async () => {
      await store.commit(Array.from({ length: 40 }, (_, n) => put(`k${n}`, `v${n}`)))
      const few = await store.getMany(SPACE, ['k3', 'nothing', 'k1'].map(bytes))
      expect(few.map((entry) => entry?.value.toString())).toEqual(['v3', undefined, 'v1'])
      const many = await store.getMany(
        SPACE,
        Array.from({ length: 50 }, (_, n) => bytes(`k${n}`)),
      )
      expect(many.map((entry) => entry?.value.toString())).toEqual(
        Array.from({ length: 50 }, (_, n) => (n < 40 ? `v${n}` : undefined)),
      )
      expect(many[5]).toEqual(await store.get(SPACE, bytes('k5')))
      expect(await store.getMany(SPACE, [])).toEqual([])
    })

    it('does not share memory with what it was given', async () => {
      const key = bytes('key')
      const value = bytes('value')
      await store.commit([{ type: 'put', space: SPACE, key, value }])
      key.fill(0)
      value.fill(0)
      expect(await textOf('key')).toBe('value')
    })

    it('orders keys by their UTF-8 bytes', async () => {
      const keys = ['😀', '～', 'é', 'a/b', 'a.b', 'a-b', 'a', 'Z', 'B', '_', 'a\u0000', 'a\u0000b']
      await store.commit(keys.map((key) => put(key, '')))
      const listed = (await store.range(SPACE, ALL)).map(({ key }) => key.toString())
      expect(listed).toEqual(['B', 'Z', '_', 'a', 'a\u0000', 'a\u0000b', 'a-b', 'a.b', 'a/b', 'é', '～', '😀'])
    })

    it('orders keys that are not UTF-8 and keeps spaces apart', async () => {
      const keys = [Buffer.of(0xff, 0xff), Buffer.of(0xff), Buffer.of(0), Buffer.of(0x80), Buffer.of(0x7f)]
      for (const space of [1, 6, 7, 8, 253]) {
        await store.commit(keys.map((key) => ({ type: 'put', space, key, value: Buffer.of(space) })))
      }
      const listed = await store.range(7, ALL)
      expect(listed.map(({ key }) => key.toString('hex'))).toEqual(['00', '7f', '80', 'ff', 'ffff'])
      expect(listed.every(({ value }) => value.equals(Buffer.of(7)))).toBe(true)
    })

    it('ranges are half-open, limited, and run both ways', async () => {
      await store.commit(['a', 'b', 'c', 'd'].map((key) => put(key, key)))
      const range = async (gte: string, lt: string, limit: number, reverse?: boolean): Promise<string> => {
        const page = { gte: bytes(gte), lt: bytes(lt), limit, ...(reverse === undefined ? {} : { reverse }) }
        return (await store.range(SPACE, page)).map(({ key }) => key).join('')
      }
      expect(await range('a', 'd', 10)).toBe('abc')
      expect(await range('b', 'z', 2)).toBe('bc')
      expect(await range('b', 'z', 10, true)).toBe('dcb')
      expect(await range('a', 'd', 2, true)).toBe('cb')
      expect(await range('b', 'b', 10)).toBe('')
      expect(await range('d', 'a', 10)).toBe('')
      expect(await range('x', 'z', 10)).toBe('')
    })

    it('a range entry is the same as a get', async () => {
      await store.commit([put('a', 'one')])
      const [entry] = await store.range(SPACE, ALL)
      expect(entry).toEqual(await store.get(SPACE, bytes('a')))
    })

    it('pages hold many large values', async () => {
      const value = 'x'.repeat(40_000)
      for (let page = 0; page < 10; page++) {
        await store.commit(Array.from({ length: 30 }, (_, n) => put(`${page}-${String(n).padStart(3, '0')}`, value)))
      }
      const entries = await store.range(SPACE, ALL)
      expect(entries).toHaveLength(300)
      expect(entries.every((entry) => entry.value.length === 40_000)).toBe(true)
    })

    describe('conditions', () => {
      it('null: only one of many creates', async () => {
        const results = await Promise.all(Array.from({ length: 20 }, (_, n) => store.commit([put('k', `${n}`, null)])))
        expect(results.filter(Boolean)).toHaveLength(1)
        expect(await textOf('k')).toBe(String(results.indexOf(true)))
      })

      it('a token holds until the key is written, and a new write gets a new token', async () => {
        await store.commit([put('k', '1')])
        const first = await tokenOf('k')
        expect(await store.commit([put('k', '2', first)])).toBe(true)
        expect(await tokenOf('k')).not.toBe(first)
        expect(await store.commit([put('k', '3', first)])).toBe(false)
        expect(await textOf('k')).toBe('2')
      })

      it('a token changes even when the value does not, and never comes again', async () => {
        const seen = new Set<Token>()
        for (let round = 0; round < 20; round++) {
          await store.commit([put('k', 'same')])
          seen.add(await tokenOf('k'))
          if (round % 3 === 0) await store.commit([remove('k')])
        }
        expect(seen.size).toBe(20)
      })

      it('deletes only what is unchanged, and blindly what is not there', async () => {
        await store.commit([put('k', '1')])
        const first = await tokenOf('k')
        await store.commit([put('k', '2')])
        expect(await store.commit([remove('k', first)])).toBe(false)
        expect(await store.commit([remove('k', await tokenOf('k'))])).toBe(true)
        expect(await textOf('k')).toBeUndefined()
        expect(await store.commit([remove('k')])).toBe(true)
        expect(await store.commit([remove('k', first)])).toBe(false)
        expect(await store.commit([put('k', '3', first)])).toBe(false)
      })

      it('check: must be there, unchanged, and stays as it is', async () => {
        await store.commit([put('lease', 'open')])
        const lease = await tokenOf('lease')
        expect(await store.commit([check('lease', lease), put('a', '1')])).toBe(true)
        expect(await tokenOf('lease')).toBe(lease)
        await store.commit([put('lease', 'sealed')])
        expect(await store.commit([check('lease', lease), put('b', '1')])).toBe(false)
        expect(await store.commit([check('missing', lease), put('b', '1')])).toBe(false)
        expect(await textOf('b')).toBeUndefined()
      })

      it('check null: must not be there, and is not made', async () => {
        expect(await store.commit([check('gone', null), put('a', '1')])).toBe(true)
        expect(await textOf('gone')).toBeUndefined()
        await store.commit([put('gone', 'back')])
        expect(await store.commit([check('gone', null), put('b', '1')])).toBe(false)
        expect(await textOf('b')).toBeUndefined()
        await store.commit([remove('gone')])
        const racing = [
          [put('gone', 'again')],
          [check('gone', null), put('b', '2')],
          [check('gone', null), put('c', '2')],
        ]
        const [made, ...checked] = await Promise.all(racing.map((writes) => store.commit(writes)))
        expect(made).toBe(true)
        // In whatever order they were decided, those after the first saw it.
        expect([await textOf('b'), await textOf('c')]).toEqual(checked.map((done) => (done ? '2' : undefined)))
      })

      it('all or nothing: one condition that fails leaves everything as it was', async () => {
        await store.commit([put('a', '1'), put('b', '1'), add('n', 1)])
        const before = await tokenOf('a')
        const refused = [put('a', '2'), remove('b'), put('c', '2'), add('n', 5), put('d', '2', 'no such token')]
        expect(await store.commit(refused)).toBe(false)
        expect(await stored()).toEqual(['a=1', 'b=1'])
        expect(await tokenOf('a')).toBe(before)
        expect(await store.counters(bytes(''))).toEqual([{ key: bytes('n'), value: 1 }])
      })

      it('all of a commit becomes visible at once', async () => {
        const writer = (async () => {
          for (let n = 1; n <= 30; n++) await store.commit([put('a', `${n}`), put('z', `${n}`)])
        })()
        let torn = 0
        for (let read = 0; read < 60; read++) {
          const [a, z] = await store.range(SPACE, ALL)
          if (a?.value.toString() !== z?.value.toString()) torn++
        }
        await writer
        expect(torn).toBe(0)
        expect(await stored()).toEqual(['a=30', 'z=30'])
      })

      it('contenders while the store is busy: every increment by compare-and-set survives', async () => {
        await store.commit([put('n', '0')])
        const increment = async (): Promise<void> => {
          for (;;) {
            const entry = await store.get(SPACE, bytes('n'))
            if (entry && (await store.commit([put('n', `${Number(entry.value) + 1}`, entry.token)]))) return
          }
        }
        const noise = Array.from({ length: 100 }, (_, n) => store.commit([put(`noise${n}`, '')]))
        await Promise.all([...Array.from({ length: 25 }, increment), ...noise])
        expect(await textOf('n')).toBe('25')
      })

      it('contenders in one burst see each other in order', async () => {
        const busy = store.commit([put('busy', '1')])
        const results = await Promise.all([
          store.commit([put('k', 'first', null)]),
          store.commit([put('k', 'second', null)]),
          store.commit([remove('k')]),
          store.commit([put('k', 'third', null), add('n', 1)]),
          store.commit([put('k', 'fourth', null), add('n', 1)]),
        ])
        await busy
        expect(results).toEqual([true, false, true, true, false])
        expect(await textOf('k')).toBe('third')
        expect(await store.counters(bytes('n'))).toEqual([{ key: bytes('n'), value: 1 }])
      })

      it('two that hold the same token: one wins, also in one burst', async () => {
        await store.commit([put('k', '0')])
        const token = await tokenOf('k')
        const busy = store.commit([put('busy', '1')])
        const results = await Promise.all(Array.from({ length: 10 }, (_, n) => store.commit([put('k', `${n}`, token)])))
        await busy
        expect(results.filter(Boolean)).toHaveLength(1)
        expect(await textOf('k')).toBe(String(results.indexOf(true)))
      })
    })

    describe('a snapshot', () => {
      it('shows rows and counters of one moment, whatever is committed later', async () => {
        await store.commit([put('a', '1'), put('b', '1'), add('n', 2)])
        await using snapshot = await store.snapshot()
        await store.commit([put('a', '2'), remove('b'), put('c', '1'), add('n', 1), add('m', 1)])
        expect(texts(await snapshot.range(SPACE, ALL))).toEqual(['a=1', 'b=1'])
        expect(await snapshot.counters(bytes(''))).toEqual([{ key: bytes('n'), value: 2 }])
        expect(texts(await store.range(SPACE, ALL))).toEqual(['a=2', 'c=1'])
      })

      it('is read in pages, either way', async () => {
        await store.commit(['a', 'b', 'c'].map((key) => put(key, '1')))
        await using snapshot = await store.snapshot()
        await store.commit([remove('b')])
        expect(texts(await snapshot.range(SPACE, { ...ALL, limit: 2 }))).toEqual(['a=1', 'b=1'])
        expect(texts(await snapshot.range(SPACE, { ...ALL, gte: bytes('b'), limit: 1, reverse: true }))).toEqual([
          'c=1',
        ])
      })

      it('of a store that was closed cannot be taken', async () => {
        await store.close()
        await expect(store.snapshot()).rejects.toMatchObject({ code: 'MetadataStoreFailed' })
      })
    })

    describe('counters', () => {
      it('add up whoever adds, and are gone at zero', async () => {
        await Promise.all(Array.from({ length: 50 }, (_, n) => store.commit([add('n', n), add('m', -n)])))
        expect(await store.counters(bytes(''))).toEqual([
          { key: bytes('m'), value: -1225 },
          { key: bytes('n'), value: 1225 },
        ])
        await store.commit([add('n', -1225), add('m', 1000), add('m', 225)])
        expect(await store.counters(bytes(''))).toEqual([])
      })

      it('are listed by prefix in byte order, apart from every key', async () => {
        await store.commit([add('b/2', 2), add('b/1', 1), add('c/1', 3), put('b/1', 'a key')])
        expect(await store.counters(bytes('b/'))).toEqual([
          { key: bytes('b/1'), value: 1 },
          { key: bytes('b/2'), value: 2 },
        ])
        expect(await stored()).toEqual(['b/1=a key'])
      })

      it('hold sizes beyond 32 bits', async () => {
        await store.commit([add('bytes', 2 ** 52)])
        await store.commit([add('bytes', -1)])
        expect(await store.counters(bytes('bytes'))).toEqual([{ key: bytes('bytes'), value: 2 ** 52 - 1 }])
      })
    })

    describe('limits', () => {
      it('a key of 2 KiB, a value of 64 KiB and a commit of 500 writes are stored', async () => {
        const key = Buffer.alloc(2048, 0xfe)
        const value = Buffer.alloc(65_536, 1)
        expect(await store.commit([{ type: 'put', space: SPACE, key, value }])).toBe(true)
        expect((await store.get(SPACE, key))?.value.equals(value)).toBe(true)
        expect(await store.commit(Array.from({ length: 500 }, (_, n) => put(`k${n}`, '')))).toBe(true)
      })

      it.each<[string, Write[]]>([
        ['a longer key', [{ type: 'put', space: SPACE, key: Buffer.alloc(2049), value: Buffer.alloc(0) }]],
        ['a longer counter key', [{ type: 'add', key: Buffer.alloc(2049), delta: 1 }]],
        ['a longer value', [{ type: 'put', space: SPACE, key: bytes('k'), value: Buffer.alloc(66_000) }]],
        ['501 writes', Array.from({ length: 501 }, (_, n) => put(`k${n}`, ''))],
        ['one key twice', [put('k', '1'), put('k', '2')]],
        ['a key written and checked', [put('k', '1'), check('k', 'token')]],
        ['space 0', [{ type: 'put', space: 0, key: bytes('k'), value: bytes('') }]],
        ["the store's own space 255", [{ type: 'put', space: 255, key: bytes('k'), value: bytes('') }]],
        ['a counter step that is no whole number', [add('n', 0.5)]],
      ])('%s is refused and nothing is written', async (_, writes) => {
        await expect(store.commit([put('other', ''), ...writes])).rejects.toThrow(RangeError)
        expect(await stored()).toEqual([])
        expect(await store.commit([put('after', '')])).toBe(true)
      })
    })

    describe('groups', () => {
      const groups = async (prefix: string, from: string, limit = 1000, delimiter = '/', lt = '\u{10ffff}') => {
        const range = { prefix: bytes(prefix), from: bytes(from), lt: bytes(lt), delimiter: bytes(delimiter), limit }
        const found = await store.groups(SPACE, range)
        return found.map((group) => ('entry' in group ? `${group.entry.key}` : `${group.prefix}...`))
      }

      it('reports keys and groups in byte order, each group once', async () => {
        const keys = ['a', 'b/1', 'b/2', 'b/3', 'b0', 'c/', 'd//x', 'd//y', 'e']
        await store.commit(keys.map((key) => put(key, key)))
        expect(await groups('', '')).toEqual(['a', 'b/...', 'b0', 'c/...', 'd/...', 'e'])
        expect(await groups('d/', '')).toEqual(['d//...'])
        expect(await groups('b/', '')).toEqual(['b/1', 'b/2', 'b/3'])
        expect(await groups('', '', 2)).toEqual(['a', 'b/...'])
        expect(await groups('', '', 0)).toEqual([])
        expect(await groups('', 'b/2')).toEqual(['b/...', 'b0', 'c/...', 'd/...', 'e'])
        expect(await groups('', 'b0')).toEqual(['b0', 'c/...', 'd/...', 'e'])
        expect(await groups('', '', 1000, '/', 'c/')).toEqual(['a', 'b/...', 'b0'])
        expect(await groups('', '', 1000, '//')).toEqual(['a', 'b/1', 'b/2', 'b/3', 'b0', 'c/', 'd//...', 'e'])
        expect(await groups('', '', 1000, '')).toEqual(keys)
        expect(await groups('zzz', '')).toEqual([])
      })

      it('jumps over groups of many keys', async () => {
        for (const group of ['x', 'y', 'z']) {
          for (let page = 0; page < 3; page++) {
            await store.commit(Array.from({ length: 100 }, (_, n) => put(`${group}/${page}/${n}`, '')))
          }
          await store.commit([put(`${group}-single`, '')])
        }
        expect(await groups('', '')).toEqual(['x-single', 'x/...', 'y-single', 'y/...', 'z-single', 'z/...'])
        expect(await groups('y/', '')).toEqual(['y/0/...', 'y/1/...', 'y/2/...'])
      })

      it('equals the loop over ranges for any keys', async () => {
        const part = fc
          .array(fc.constantFrom(0x00, 0x2f, 0x61, 0x62, 0xff), { maxLength: 5 })
          .map((list) => Buffer.from(list))
        const query = fc.record({
          prefix: fc.oneof(fc.constant(Buffer.alloc(0)), part),
          from: part,
          lt: fc.oneof(fc.constant(Buffer.alloc(8, 0xff)), part),
          delimiter: fc.constantFrom(
            Buffer.from('/'),
            Buffer.from('//'),
            Buffer.from('ab'),
            Buffer.of(0xff),
            Buffer.alloc(0),
          ),
          limit: fc.integer({ min: 1, max: 50 }),
        })
        let space = 10
        const keysAndQueries = fc.tuple(
          fc.uniqueArray(part, { maxLength: 120, selector: (key) => key.toString('hex') }),
          fc.array(query, { minLength: 1, maxLength: 10 }),
        )
        const property = fc.asyncProperty(keysAndQueries, async ([keys, queries]) => {
          space = space === 250 ? 10 : space + 1
          const stale = await store.range(space, ALL)
          await store.commit(stale.map(({ key }) => ({ type: 'delete', space, key })))
          await store.commit(keys.map((key) => ({ type: 'put', space, key, value: key })))
          for (const range of queries) {
            const expected = await groupsByRange((page) => store.range(space, page), range)
            expect(described(await store.groups(space, range))).toEqual(described(expected))
          }
        })
        await fc.assert(property, { numRuns: 40 })
      })
    })

    describe('after reopening', () => {
      it('everything committed is there, with its tokens', async (context) => {
        if (!subject.reopen) return context.skip('nothing outlives this store')
        await store.commit([put('a', '1'), put('b', '2'), add('n', 3)])
        const before = await tokenOf('a')
        store = await subject.reopen()
        expect(await stored()).toEqual(['a=1', 'b=2'])
        expect(await store.counters(bytes(''))).toEqual([{ key: bytes('n'), value: 3 }])
        expect(await store.commit([put('a', '2', before)])).toBe(true)
      })

      it('no token comes again', async (context) => {
        if (!subject.reopen) return context.skip('nothing outlives this store')
        const seen = new Set<Token>()
        for (let round = 0; round < 5; round++) {
          for (let write = 0; write < 3; write++) {
            await store.commit([put('k', 'same')])
            seen.add(await tokenOf('k'))
          }
          // The last writes of a run leave nothing behind but the sequence.
          await store.commit([remove('k')])
          store = await subject.reopen()
        }
        expect(seen.size).toBe(15)
      })
    })

    it('once closed refuses to write, after the writes that were running', async () => {
      const running = Array.from({ length: 5 }, (_, n) => store.commit([put(`k${n}`, '')]))
      await Promise.all([...running, store.close()])
      await expect(store.commit([put('late', '')])).rejects.toMatchObject({ code: 'MetadataStoreFailed' })
    })
  })
}
