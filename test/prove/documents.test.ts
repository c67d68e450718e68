import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { IAM_SPACE } from '../../src/iam/keyspace.ts'
import { KMS_SPACE } from '../../src/kms/keyspace.ts'
import { SPACE } from '../../src/objects/keyspace.ts'
import { SPACES } from '../../src/prove/spaces.ts'

// Rows of a space that record-format.md gained and the prover does not know would be taken for something put there.

const text = await readFile(new URL('../../docs/record-format.md', import.meta.url), 'utf8')
const sectionOf = (store: string): string => {
  const [, section = ''] = text.split(`Rows of the store \`${store}\`\n`)
  return section.split('\n## ')[0] ?? ''
}

describe('the prover', () => {
  it.each(['metadata', 'kms', 'iam'] as const)(
    'knows the spaces of %s that the document has, and no others',
    (store) => {
      const documented = [...sectionOf(store).matchAll(/^\| (\d+) \w/gm)].map(([, number]) => Number(number))
      expect(new Set(documented).size).toBeGreaterThan(7)
      expect(Object.keys(SPACES[store]).map(Number)).toEqual([...new Set(documented)].toSorted((a, b) => a - b))
    },
  )

  it.each([
    ['metadata', SPACE],
    ['kms', KMS_SPACE],
    ['iam', IAM_SPACE],
  ] as const)('knows the spaces of %s that the server writes', (store, written) => {
    const known = Object.keys(SPACES[store]).map(Number)
    expect(Object.values(written).filter((number) => !known.includes(number))).toEqual([])
  })

  it('counts every space of the document among those that section 1 names', () => {
    for (const store of ['metadata', 'kms', 'iam'] as const) {
      const ranges = new RegExp(String.raw`\`records/${store}\` \| ([^|]+) \|`).exec(text)?.[1] ?? ''
      const named = ranges.split(', ').flatMap((range) => {
        const [from = 0, to = from] = range.split(' to ').map(Number)
        return Array.from({ length: to - from + 1 }, (_, index) => from + index)
      })
      for (const number of Object.keys(SPACES[store])) expect(named).toContain(Number(number))
    }
  })
})
