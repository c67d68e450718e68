import { expect, it } from 'vitest'
import { newUuid, uuidFromBytes, uuidToBytes } from '../../../src/base/ids.ts'

it('Bytes of a UUID that are remembered lie in memory of their own: a pool would be remembered with them', () => {
  for (let count = 0; count < 100; count++) {
    const uuid = newUuid()
    const bytes = uuidToBytes(uuid)
    expect(uuidFromBytes(bytes)).toBe(uuid)
    expect(bytes.buffer.byteLength).toBe(16)
  }
})
