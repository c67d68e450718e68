import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseStrictJson } from '../../../src/base/strict-json.ts'

/** With all that could be taken for structure. */
const text = fc.string({ unit: fc.constantFrom('{', '}', '[', ']', ':', ',', '"', '\\', 'a', 'é', '\n', '\u2028') })
const json = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, text, fc.integer(), fc.boolean(), fc.constant(null), tie('list'), tie('map')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  map: fc.dictionary(text, tie('value'), { maxKeys: 4 }),
})).value

describe('strict JSON', () => {
  it('is what JSON is, where no member is given twice', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const written = JSON.stringify(value, undefined, indent)
        expect(parseStrictJson(written)).toEqual(JSON.parse(written))
      }),
    )
  })

  it('has no object with two members of one name, however it is spelt and wherever it is', () => {
    fc.assert(
      fc.property(text, json, json, (name, one, other) => {
        const [member, value, next] = [name, one, other].map((part) => JSON.stringify(part))
        const escaped = `"${[...name].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`
        for (const twice of [
          `{${member}:${value},${member}:${next}}`,
          `{${member}:${value},"x y":1,${escaped} : ${next}}`,
          `[1,{"x y":{${escaped}:${value},${member}:${next}}}]`,
        ]) {
          expect(() => parseStrictJson(twice)).toThrow(SyntaxError)
        }
        expect(parseStrictJson(`[{${member}:${value}},{${member}:${next}}]`)).toHaveLength(2)
      }),
    )
  })

  it('is refused when it is no JSON', () => {
    for (const none of ['', '{', '{"a":1,}', "{'a':1}", '{a:1}', '[1]]', 'undefined']) {
      expect(() => parseStrictJson(none)).toThrow(SyntaxError)
    }
  })
})
