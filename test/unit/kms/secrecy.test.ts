import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { KMS_SPACE, rowsUnder } from '../../../src/kms/keyspace.ts'
import { kmsWorld } from '../../support/kms-world.ts'

const PLANTED = 'PLANTED-ROOT-KEY-MATERIAL-32-B!!'
const STANDARD = 'PLANTED-STANDARD-PAYLOAD'
const ROTATED = 'PLANTED-ROTATED-ROOT-MATERIAL-32'
const PLAINTEXT = 'PLANTED-DATA-ENCRYPTION-KEY-32-B'

/** As it is, as base64 and as hex. */
const shapesOf = (text: string): string[] => {
  const bytes = Buffer.from(text)
  return [text, bytes.toString('base64').replace(/=*$/, '').slice(0, -1), bytes.toString('hex')]
}

describe('planted key material', () => {
  it('is neither in the stored bytes, nor in audit events, nor in errors', async () => {
    const { kms, caller, store, events } = await kmsWorld({ settings: { restoreDelayMs: 0 } })
    const created = await kms.createKey(caller, { name: 'planted', extractable: false, payload: Buffer.from(PLANTED) })
    const { id } = created.key.record
    const standard = await kms.createKey(caller, {
      name: 'standard',
      extractable: true,
      payload: Buffer.from(STANDARD),
    })
    expect(standard.payload?.toString()).toBe(STANDARD)
    const { ciphertext } = kms.wrap(caller, id, Buffer.from(PLAINTEXT), [])
    await kms.rotateKey(caller, id, { payload: Buffer.from(ROTATED) })
    const errors: unknown[] = []
    const failing = [
      () => kms.unwrap(caller, id, ciphertext, ['other']),
      () => kms.wrap(caller, standard.key.record.id, Buffer.from(PLAINTEXT), []),
      () => kms.rotateKey(caller, id, { payload: Buffer.from(ROTATED) }),
      () => kms.createKey(caller, { name: 'x', extractable: false, payload: Buffer.from(PLANTED) }),
      () => kms.createKey(caller, { name: 'long', extractable: false, payload: Buffer.from(`${PLANTED}${PLANTED}`) }),
    ]
    for (const act of failing) {
      await (async () => act())().catch((error) => errors.push(error))
    }
    await kms.deleteKey(caller, id, { force: false })
    await kms.restoreKey(caller, id, { payload: Buffer.from(PLANTED) }).catch((error) => errors.push(error))
    expect(errors).toHaveLength(6)

    const rows: string[] = []
    for (const space of Object.values(KMS_SPACE)) {
      for (const { key, value } of await store.range(space, { ...rowsUnder(Buffer.alloc(0)), limit: 1000 })) {
        rows.push(key.toString('latin1'), value.toString('latin1'))
      }
    }
    expect(rows.length).toBeGreaterThan(8)
    const everything = [
      ...rows,
      inspect(events, { depth: 9 }),
      inspect(errors, { depth: 9 }),
      inspect(created, { depth: 9 }),
    ]
    const haystack = everything.join('\n')
    for (const needle of [PLANTED, STANDARD, ROTATED, PLAINTEXT].flatMap(shapesOf))
      expect(haystack).not.toContain(needle)
  })
})
