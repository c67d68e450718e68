import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

// A promise whose test was renamed or removed is one that nobody keeps.

const root = join(import.meta.dirname, '../../..')
const DOCUMENTS = ['docs/durability.md', 'docs/threat-model.md', 'docs/prove.md']

const named = DOCUMENTS.flatMap((document) =>
  [...readFileSync(join(root, document), 'utf8').matchAll(/`(test\/[^`]+)`/g)].map(([, text = '']) => {
    const [file = '', title] = text.split(' › ')
    return { document, file, title }
  }),
)
/** As it stands in a source: quotes and backslashes of the literal apart. */
const plain = (text: string) => text.replace(/['"`\\’]/g, '')

describe('what the promises name', () => {
  it('is tests, and many', () => {
    expect(named.length).toBeGreaterThan(90)
    expect(named.filter(({ title }) => title !== undefined).length).toBeGreaterThan(50)
  })

  it.each(named)('$document: $file › $title', ({ file, title }) => {
    const path = join(root, file)
    expect(existsSync(path)).toBe(true)
    if (title !== undefined) expect(plain(readFileSync(path, 'utf8'))).toContain(plain(title))
  })

  it('is scenarios of faults that there are', () => {
    const runs = DOCUMENTS.flatMap((document) => [
      ...readFileSync(join(root, document), 'utf8').matchAll(/`npm run faults -- ([a-z -]+)`/g),
    ])
    const names = runs.flatMap(([, list = '']) => list.split(' '))
    expect(names.length).toBeGreaterThan(7)
    for (const name of names)
      expect([name, existsSync(join(root, `test/faults/scenarios/${name}.ts`))]).toEqual([name, true])
  })

  it.each(DOCUMENTS)('%s leads to documents that there are', (document) => {
    const links = [...readFileSync(join(root, document), 'utf8').matchAll(/\]\(([a-z-]+\.md)[#)]/g)]
    expect(links.length).toBeGreaterThan(2)
    for (const [, link = ''] of links) expect([link, existsSync(join(root, 'docs', link))]).toEqual([link, true])
  })
})
