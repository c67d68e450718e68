import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inShell } from '../../src/web/in-shell.ts'

/** What a shell makes of words: as many, each as it was. */
const words = (texts: readonly string[]): readonly string[] => {
  const line = `printf '%s\\0' ${texts.map(inShell).join(' ')}`
  return execFileSync('bash', ['-c', line], { encoding: 'utf8', env: { LC_ALL: 'C.UTF-8' } })
    .split('\0')
    .slice(0, -1)
}

describe('a word of a command that is copied', () => {
  it.each([
    ['s3://invoices/2026/a+b.pdf', 's3://invoices/2026/a+b.pdf'],
    ['it is', "'it is'"],
    ["it's", String.raw`'it'\''s'`],
    ['$(reboot)', "'$(reboot)'"],
    ['<key>', "'<key>'"],
    ['', "''"],
    ["a\nb'\\", String.raw`$'a\u000ab\'\\'`],
  ])('%j is %s', (word, expected) => expect(inShell(word)).toBe(expected))

  it('is one word to a shell, and runs nothing', () => {
    const texts = fc.sample(
      fc.string({ unit: fc.constantFrom(...'a$`(){}\'"\\;&|<>*?~!# \n\t\u001b\u009béø😀-') }),
      200,
    )
    expect(words(texts)).toEqual(texts)
  })
})
