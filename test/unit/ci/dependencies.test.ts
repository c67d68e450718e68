import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { dependencies } from '../../../.ci/dependencies.ts'

it('docs/dependencies.md is what the lockfile says, and every package keeps to its rules', async () => {
  const document = new URL('../../../docs/dependencies.md', import.meta.url)
  expect(await readFile(document, 'utf8')).toBe(dependencies())
})
