import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { s3Coverage } from '../../../.ci/s3-coverage.ts'

it('docs/s3-coverage.md is what `npm run coverage:s3` writes', async () => {
  const document = new URL('../../../docs/s3-coverage.md', import.meta.url)
  expect(await readFile(document, 'utf8')).toBe(s3Coverage())
})
