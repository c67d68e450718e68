import { createSecretKey, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dekCache } from '../../../src/envelope/dek-cache.ts'

describe('DEK cache', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
  afterEach(() => void vi.useRealTimers())

  const open = (maxEntries = 10) => dekCache({ ttlMs: 1_000, maxEntries, clock: { now: () => Date.now() } })
  const isZero = (bytes: Buffer) => bytes.every((byte) => byte === 0)

  it('zeroes what is forgotten, and nothing else', () => {
    using cache = open()
    const [a, b, c] = [randomBytes(32), randomBytes(32), randomBytes(32)]
    cache.put('a', 'one', a)
    cache.put('b', 'two', b)
    cache.put('c', 'one', c)
    cache.forget('one')
    expect([a, b, c].map(isZero)).toEqual([true, false, true])
    expect([cache.has('a'), cache.has('b'), cache.has('c')]).toEqual([false, true, false])
    cache.forget('none')
  })

  it('zeroes what is expired, though nobody asks for it', () => {
    using cache = open()
    const bytes = randomBytes(32)
    cache.put('a', 'one', bytes)
    vi.advanceTimersByTime(999)
    expect(cache.has('a')).toBe(true)
    vi.advanceTimersByTime(1_000)
    expect(isZero(bytes)).toBe(true)
    expect(cache.has('a')).toBe(false)
  })

  it('zeroes what is pushed out, replaced, or there at the end', () => {
    const cache = open(2)
    const all = Array.from({ length: 4 }, () => randomBytes(32))
    all.forEach((bytes, i) => void cache.put(`${Math.min(i, 2)}`, 'one', bytes))
    expect(all.map(isZero)).toEqual([true, false, true, false])
    cache[Symbol.dispose]()
    expect(all.every(isZero)).toBe(true)
    const late = randomBytes(32)
    cache.put('late', 'one', late)
    expect(isZero(late)).toBe(true)
  })

  it('forgets a group whose DEK was replaced', () => {
    using cache = open()
    const second = randomBytes(32)
    cache.put('a', 'one', randomBytes(32))
    cache.put('a', 'one', second)
    cache.forget('one')
    expect(isZero(second)).toBe(true)
  })

  it('keeps what was derived from a key for all its copies, and no longer than the key', () => {
    using cache = open()
    const derived = createSecretKey(randomBytes(32))
    cache.put('a', 'one', randomBytes(32))
    cache.put('b', 'one', randomBytes(32))
    using early = cache.copy('a')
    early?.epochKeys?.set('label', 7, derived)
    using late = cache.copy('a')
    using other = cache.copy('b')
    expect(late?.epochKeys?.get('label', 7)).toBe(derived)
    expect(late?.epochKeys?.get('another', 7)).toBeUndefined()
    expect(other?.epochKeys?.get('label', 7)).toBeUndefined()
    cache.forget('one')
    late?.epochKeys?.set('label', 8, derived)
    expect([7, 8].map((epoch) => late?.epochKeys?.get('label', epoch))).toEqual([undefined, undefined])
  })

  it('disposes what is held beside a DEK when that goes, when it is replaced, and when it comes too late', () => {
    const cache = open(2)
    const gone: string[] = []
    const thing = (name: string): Disposable => ({ [Symbol.dispose]: () => void gone.push(name) })
    const kept = ['a', 'b', 'c'].map((id) => cache.put(id, id, randomBytes(32)))
    // The first was pushed out already.
    kept.forEach((place, at) => void place?.hold(thing(`${at}`), 100))
    expect(gone).toEqual(['0'])
    expect(kept.map((place) => place?.isOpen())).toEqual([false, true, true])
    using copy = cache.copy('b')
    copy?.kept?.hold(thing('1 again'), 100)
    expect(gone).toEqual(['0', '1'])
    cache.forget('b')
    expect(gone).toEqual(['0', '1', '1 again'])
    vi.advanceTimersByTime(2_000)
    expect(gone).toEqual(['0', '1', '1 again', '2'])
    cache[Symbol.dispose]()
    expect(gone).toHaveLength(4)
  })

  it('holds no more beside its DEKs than there is room for', () => {
    using cache = open()
    const gone: string[] = []
    const thing = (name: string): Disposable => ({ [Symbol.dispose]: () => void gone.push(name) })
    const half = 9 * 1024 ** 2
    for (const id of ['a', 'b']) cache.put(id, id, randomBytes(32))?.hold(thing(id), half)
    expect(gone).toEqual(['b'])
    cache.forget('a')
    cache.put('c', 'c', randomBytes(32))?.hold(thing('c'), half)
    expect(gone).toEqual(['b', 'a'])
  })
})
