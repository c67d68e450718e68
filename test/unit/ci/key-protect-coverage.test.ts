import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { keyProtectCoverage } from '../../../.ci/key-protect-coverage.ts'

it('docs/key-protect-coverage.md is what `npm run coverage:key-protect` writes', async () => {
  const document = new URL('../../../docs/key-protect-coverage.md', import.meta.url)
  expect(await readFile(document, 'utf8')).toBe(keyProtectCoverage())
})
