import { createPrivateKey, randomBytes } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { KMS_SPACE, rowsUnder } from '../../../src/kms/keyspace.ts'
import { DEFAULT_KMS_SETTINGS } from '../../../src/kms/settings.ts'
import type { TransportedMaterial } from '../../../src/kms/transport.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { transported } from '../../support/import-token.ts'
import { type KmsWorld, kmsWorld } from '../../support/kms-world.ts'

const TOKEN = { lifetimeSeconds: 600, maxRetrievals: 5 }
const code = (expected: string) => expect.objectContaining({ code: expected })

const storedToken = async (store: MetadataStore) => {
  const [row] = await store.range(KMS_SPACE.importToken, { ...rowsUnder(Buffer.alloc(0)), limit: 2 })
  return row?.value.toString('utf8') ?? ''
}

/** Material as a caller of the service brings it, under the token that is retrieved for it. */
async function brought({ kms, caller }: KmsWorld, material = randomBytes(32)): Promise<TransportedMaterial> {
  const { record, nonce } = await kms.retrieveImportToken(caller)
  const given = { payload: Buffer.from(record.publicKey).toString('base64'), nonce: nonce.toString('base64') }
  const { payload, encryptedNonce, iv } = transported(given, material)
  return {
    payload: Buffer.from(payload, 'base64'),
    encryptedNonce: Buffer.from(encryptedNonce, 'base64'),
    iv: Buffer.from(iv, 'base64'),
    algorithm: 'RSAES_OAEP_SHA_256',
  }
}

const importRoot = ({ kms, caller }: KmsWorld, incoming: TransportedMaterial) =>
  kms.createKey(caller, { name: 'imported', extractable: false, transported: incoming })

describe('an import token', () => {
  it('has an RSA key of 3072 bits by default', () => {
    expect(DEFAULT_KMS_SETTINGS.importTokenKeyBits).toBe(3072)
  })

  it('goes on after a restart, with the retrievals that it has left', async () => {
    const world = await kmsWorld()
    await world.kms.createImportToken(world.caller, TOKEN)
    const incoming = await brought(world)
    const next = await world.reopen()
    expect((await next.kms.retrieveImportToken(next.caller)).record.remainingRetrievals).toBe(3)
    expect((await importRoot(next, incoming)).key.record.imported).toBe(true)
    next.kms.close()
  })

  it('is nothing to another service key', async () => {
    const world = await kmsWorld()
    await world.kms.createImportToken(world.caller, TOKEN)
    const other = await kmsWorld({ store: world.store, sealingKey: Buffer.alloc(32, 8) })
    await expect(other.kms.retrieveImportToken(other.caller)).rejects.toThrow(code('KeyDamaged'))
  })

  it('is stored sealed, and its private key is gone at the first sweep after its end', async () => {
    const world = await kmsWorld()
    await world.kms.createImportToken(world.caller, TOKEN)
    const before = JSON.parse(await storedToken(world.store))
    expect(before.sealed).toEqual(expect.any(String))
    expect(() =>
      createPrivateKey({ key: Buffer.from(before.sealed, 'base64'), format: 'der', type: 'pkcs8' }),
    ).toThrow()
    world.passTime(599_999)
    await world.kms.sweep()
    expect(JSON.parse(await storedToken(world.store)).sealed).toBe(before.sealed)
    world.passTime(1)
    await world.kms.sweep()
    expect(JSON.parse(await storedToken(world.store)).sealed).toBeNull()
    const next = await world.reopen()
    await expect(next.kms.retrieveImportToken(next.caller)).rejects.toThrow(code('ImportTokenExpired'))
  })

  it('is destroyed when its time comes, without a sweep', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const world = await kmsWorld()
      await world.kms.createImportToken(world.caller, TOKEN)
      world.passTime(600_000)
      vi.advanceTimersByTime(600_000)
      await vi.waitFor(async () => expect(JSON.parse(await storedToken(world.store)).sealed).toBeNull())
      world.kms.close()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('is compacted away around each overwriting of its private key', async () => {
    const inner = memoryStore()
    const log: string[] = []
    const world = await kmsWorld({
      store: {
        ...inner,
        commit: (writes) => {
          if (writes.some((write) => 'space' in write && write.space === KMS_SPACE.importToken)) log.push('write')
          return inner.commit(writes)
        },
        compact: async (space) => {
          if (space === KMS_SPACE.importToken) log.push('compact')
        },
      },
    })
    await world.kms.createImportToken(world.caller, TOKEN)
    await world.kms.createImportToken(world.caller, TOKEN)
    expect(log).toEqual(['write', 'compact', 'write', 'compact'])
    log.length = 0
    world.passTime(600_000)
    await world.kms.sweep()
    expect(log).toEqual(['compact', 'write', 'compact'])
  })

  it('that could not be written leaves the one before', async () => {
    const inner = memoryStore()
    let failing = false
    const commit: MetadataStore['commit'] = async (writes) => {
      if (failing) throw new Error('disk on fire')
      return inner.commit(writes)
    }
    const world = await kmsWorld({ store: { ...inner, commit } })
    await world.kms.createImportToken(world.caller, TOKEN)
    const incoming = await brought(world)
    failing = true
    await expect(world.kms.createImportToken(world.caller, TOKEN)).rejects.toThrow(code('KeyUnavailable'))
    await expect(world.kms.retrieveImportToken(world.caller)).rejects.toThrow(code('KeyUnavailable'))
    failing = false
    expect((await importRoot(world, incoming)).key.record.imported).toBe(true)
  })

  it('keeps what comes under it out of the store, the audit and errors', async () => {
    const world = await kmsWorld()
    await world.kms.createImportToken(world.caller, TOKEN)
    const material = Buffer.from('PLANTED-ROOT-KEY-MATERIAL-32-B!!')
    await importRoot(world, await brought(world, material))
    const wrong = { ...(await brought(world, material)), iv: randomBytes(12) }
    const error: unknown = await importRoot(world, wrong).catch((cause: unknown) => cause)
    expect(error).toEqual(code('IncorrectNonce'))
    const rows: string[] = []
    for (let space = 1; space < 255; space++) {
      for (const { value } of await world.store.range(space, { ...rowsUnder(Buffer.alloc(0)), limit: 100 })) {
        rows.push(value.toString('latin1'))
      }
    }
    const seen = [...rows, JSON.stringify(world.events), String(error)].join('\n')
    for (const shape of [
      material.toString('latin1'),
      material.toString('base64').slice(0, 40),
      material.toString('hex'),
    ]) {
      expect(seen).not.toContain(shape)
    }
  })
})
