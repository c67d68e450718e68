// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policies look like placeholders
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expand, isFixed, matches, parsePattern } from '../../../src/access/pattern.ts'

const ALL = { wildcards: true, variables: true }
const nothing = () => undefined
const values = (known: Readonly<Record<string, string>>) => (key: string) => known[key]
const reference = (source: string): RegExp =>
  new RegExp(
    `^${[...source].map((one) => (one === '*' ? '.*' : one === '?' ? '.' : one.replace(/[\\^$.|+()[\]{}]/g, '\\$&'))).join('')}$`,
    'su',
  )

describe('a pattern', () => {
  it('matches as a regular expression with the same wildcards does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '?', '.', '😀'), maxLength: 12 })
    fc.assert(
      fc.property(text, text, (source, given) => {
        const pattern = parsePattern(source, { wildcards: true, variables: false })
        expect(matches(pattern, given, nothing)).toBe(reference(source).test(given))
      }),
      { numRuns: 2000 },
    )
  })

  it('matches in time that grows with the product of the lengths, not faster', () => {
    const pattern = parsePattern(`${'*a'.repeat(40)}b`, ALL)
    expect(matches(pattern, 'a'.repeat(1024), nothing)).toBe(false)
  })

  it('takes the value of a variable literally', () => {
    const pattern = parsePattern('home/${aws:username}/*', ALL)
    expect(matches(pattern, 'home/ann/file', values({ 'aws:username': 'ann' }))).toBe(true)
    expect(matches(pattern, 'home/bob/file', values({ 'aws:username': '*' }))).toBe(false)
    expect(matches(pattern, 'home/*/file', values({ 'aws:username': '*' }))).toBe(true)
  })

  it('knows variables by any case, and what stands for a missing one', () => {
    const pattern = parsePattern("${AWS:UserName, 'nobody'}", ALL)
    expect(expand(pattern, values({ 'aws:username': 'ann' }))).toBe('ann')
    expect(expand(pattern, nothing)).toBe('nobody')
  })

  it('has no answer when a variable has no value', () => {
    const pattern = parsePattern('${aws:username}*', ALL)
    expect(matches(pattern, 'anything', nothing)).toBeUndefined()
    expect(expand(pattern, nothing)).toBeUndefined()
  })

  it('writes the special characters as variables', () => {
    const pattern = parsePattern('a${*}b${?}c${$}d', ALL)
    expect(isFixed(pattern)).toBe(true)
    expect(matches(pattern, 'a*b?c$d', nothing)).toBe(true)
    expect(matches(pattern, 'axb?c$d', nothing)).toBe(false)
  })

  it('has no variables in the language of 2008', () => {
    const pattern = parsePattern('${aws:username}', { wildcards: true, variables: false })
    expect(matches(pattern, '${aws:username}', values({ 'aws:username': 'ann' }))).toBe(true)
  })
})
