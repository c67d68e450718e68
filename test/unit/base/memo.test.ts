import { describe, expect, it } from 'vitest'
import { memoised } from '../../../src/base/memo.ts'

function counting(make: (text: string) => object, max?: number) {
  const asked: string[] = []
  const made = memoised((text) => {
    asked.push(text)
    return make(text)
  }, max)
  return { made, asked }
}

describe('a memoised function of a text', () => {
  it('makes the same thing once', () => {
    const { made, asked } = counting((text) => ({ text }))
    expect(made('a')).toBe(made('a'))
    expect(made('b')).toEqual({ text: 'b' })
    expect(asked).toEqual(['a', 'b'])
  })

  it('remembers no more than it may', () => {
    const { made, asked } = counting((text) => ({ text }), 2)
    for (const text of ['a', 'b', 'c', 'a']) made(text)
    expect(asked).toEqual(['a', 'b', 'c', 'a'])
  })

  it('does not keep long texts', () => {
    const { made, asked } = counting((text) => ({ text }))
    const long = 'x'.repeat(513)
    made(long)
    made(long)
    expect(asked).toEqual([long, long])
  })

  it('throws each time for what cannot be made', () => {
    const { made, asked } = counting((text) => {
      throw new RangeError(text)
    })
    expect(() => made('a')).toThrow(RangeError)
    expect(() => made('a')).toThrow(RangeError)
    expect(asked).toEqual(['a', 'a'])
  })
})
