import { expect, it } from 'vitest'
import { newUuid } from '../../../src/base/ids.ts'
import { decodeVersion, encodeVersion } from '../../../src/kms/key-versions.ts'
import { createMaterials, newMaterial } from '../../../src/kms/material.ts'

it('Sealed material of a version, which stays for the life of the process, lies in memory of its own', () => {
  const materials = createMaterials(newMaterial())
  const id = newUuid()
  const sealed = materials.seal(newUuid(), newUuid(), id, newMaterial())
  const version = { id, sequence: 1, createdAt: 1, sealed }
  const read = decodeVersion(1, encodeVersion(version))
  expect(read).toEqual(version)
  for (const bytes of [sealed, read.sealed]) expect(bytes?.buffer.byteLength).toBe(sealed.length)
  materials.close()
})
