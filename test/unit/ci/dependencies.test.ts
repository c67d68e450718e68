import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { dependencies, serverPackages } from '../../../.ci/dependencies.ts'
import { sbom } from '../../../.ci/sbom.ts'

it('docs/dependencies.md is what the lockfile says, and every package keeps to its rules', async () => {
  const document = new URL('../../../docs/dependencies.md', import.meta.url)
  expect(await readFile(document, 'utf8')).toBe(dependencies())
})

it('the bill of materials has every package of the server and no other, each with its SHA-512, its licence and what it needs', () => {
  const { components, dependencies: edges } = sbom()
  expect(components.map((one) => one['bom-ref']).sort()).toEqual(
    [...new Set(serverPackages().map(({ name, version }) => `${name}@${version}`))].sort(),
  )
  for (const { name, hashes, licenses } of components) {
    expect(
      hashes.map(({ alg }) => alg),
      name,
    ).toContain('SHA-512')
    expect(licenses, name).not.toEqual([])
  }
  expect(edges.find(({ ref }) => ref.startsWith('coffer@'))?.dependsOn).toContainEqual(expect.stringMatching(/^level@/))
})
