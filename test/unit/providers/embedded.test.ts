import { describe, expect, it } from 'vitest'
import { newDek } from '../../../src/envelope/dek.ts'
import { embeddedProvider } from '../../../src/providers/embedded.ts'
import { bucketCrn, kmsWorld, storageCrn, storageService } from '../../support/kms-world.ts'

const CONTEXT = ['oef1', 'dek', 'bucket', 'blob']
const code = (expected: string) => expect.objectContaining({ code: expected })

async function providerWorld() {
  const world = await kmsWorld()
  const { key } = await world.kms.createKey(world.caller, { name: 'root key', extractable: false })
  const provider = embeddedProvider({
    kms: world.kms,
    iam: { ...world.iam, servicePrincipal: () => storageService() },
  })
  return { ...world, provider, key, call: { rootKeyCrn: key.crn, serviceInstanceCrn: storageCrn() } }
}

describe('the embedded key provider', () => {
  it('tells the region of the key', async () => {
    const { provider, call, key } = await providerWorld()
    expect(await provider.describe(call)).toEqual({
      crn: key.crn,
      region: 'us-south',
      keyVersion: key.currentVersion?.id,
    })
  })

  it.each([
    ['another region', /us-south/, 'eu-de'],
    ['another account', /a{32}/, 'c'.repeat(32)],
    ['another resource type', /:key:/, ':alias:'],
    ['no key', /:key:.*/, '::'],
    ['a very long name', /:key:.*/, `:key:${'a'.repeat(3000)}`],
    ['not a CRN', /^crn/, 'arn'],
  ])('finds no key under the CRN of %s', async (_, segment, other) => {
    const { provider, call } = await providerWorld()
    const rootKeyCrn = call.rootKeyCrn.replace(segment, other)
    await expect(provider.describe({ ...call, rootKeyCrn })).rejects.toThrow(code('RootKeyNotFound'))
  })

  it('finds no key under its id in upper case, which would be another key to whatever compares CRNs', async () => {
    const { provider, call, key } = await providerWorld()
    const rootKeyCrn = call.rootKeyCrn.replace(key.record.id, key.record.id.toUpperCase())
    for (const ask of [provider.describe, (at: typeof call) => provider.permit(at, 'unwrap')]) {
      await expect(ask({ ...call, rootKeyCrn })).rejects.toThrow(code('RootKeyNotFound'))
    }
  })

  it('finds no key by its alias: a CRN names an id', async () => {
    const { provider, call, kms, caller, key } = await providerWorld()
    await kms.createAlias(caller, key.record.id, 'payroll')
    const rootKeyCrn = call.rootKeyCrn.replace(key.record.id, 'payroll')
    await expect(provider.describe({ ...call, rootKeyCrn })).rejects.toThrow(code('RootKeyNotFound'))
  })

  it('says RootKeyNotFound of a deleted key and RootKeyDisabled of a disabled one', async () => {
    const { provider, call, kms, caller, key } = await providerWorld()
    await kms.disableKey(caller, key.record.id)
    await expect(provider.permit(call, 'unwrap')).rejects.toThrow(code('RootKeyDisabled'))
    await kms.deleteKey(caller, key.record.id, { force: false })
    await expect(provider.permit(call, 'unwrap')).rejects.toThrow(code('RootKeyNotFound'))
  })

  it('still opens with an expired key, and no longer wraps', async () => {
    const { provider, call, kms, caller, passTime } = await providerWorld()
    const expiring = { name: 'expiring', extractable: false, expiresAt: Date.UTC(2030, 0, 2) }
    const { key } = await kms.createKey(caller, expiring)
    const at = { ...call, rootKeyCrn: key.crn }
    using dek = newDek()
    const wrapped = await provider.wrap(at, dek, CONTEXT)
    passTime(86_400_000)
    await provider.permit(at, 'unwrap')
    await expect(provider.permit(at, 'wrap')).rejects.toThrow(code('RootKeyDisabled'))
    using opened = (await provider.unwrap(at, wrapped, CONTEXT)).dek
    expect(opened.bytes).toEqual(dek.bytes)
    await expect(provider.wrap(at, dek, CONTEXT)).rejects.toThrow(code('RootKeyDisabled'))
  })

  it('wraps with the service root key, which no user reaches', async () => {
    const { provider, call, kms } = await providerWorld()
    const at = { ...call, rootKeyCrn: await kms.ensureServiceRootKey() }
    using dek = newDek()
    const wrapped = await provider.wrap(at, dek, CONTEXT)
    using opened = (await provider.unwrap(at, wrapped, CONTEXT)).dek
    expect(opened.bytes).toEqual(dek.bytes)
  })

  it('renews the version that a registration names', async () => {
    const { provider, call, kms, caller, key } = await providerWorld()
    const registration = { rootKeyCrn: call.rootKeyCrn, resourceCrn: bucketCrn('photos') }
    const version = () =>
      kms.listRegistrations(caller, key.record.id, {}, { offset: 0, limit: 10 }).items[0]?.keyVersionId
    await provider.register(call, registration)
    await kms.rotateKey(caller, key.record.id)
    await provider.register(call, registration)
    expect(version()).toBe(key.currentVersion?.id)
    const { keyVersion } = await provider.describe(call)
    await provider.register(call, { ...registration, keyVersion })
    expect(version()).toBe(keyVersion)
    expect(keyVersion).not.toBe(key.currentVersion?.id)
  })

  it('registers buckets of the instance that asks, and no others', async () => {
    const { provider, call, kms, caller, key } = await providerWorld()
    const { rootKeyCrn } = call
    await provider.register(call, { rootKeyCrn, resourceCrn: bucketCrn('photos') })
    const page = { offset: 0, limit: 10 }
    expect(kms.listRegistrations(caller, key.record.id, {}, page).items).toMatchObject([
      { resourceCrn: bucketCrn('photos'), createdBy: storageService().iamId },
    ])
    const foreign = bucketCrn('photos', '99999999-9999-4999-8999-999999999999')
    await expect(provider.register(call, { rootKeyCrn, resourceCrn: foreign })).rejects.toThrow(code('KeyAccessDenied'))
  })

  it('refuses what was wrapped with the key but is no DEK', async () => {
    const { provider, call, kms, caller, key } = await providerWorld()
    const wrapped = kms.wrap(caller, key.record.id, Buffer.alloc(31), CONTEXT)
    await expect(provider.unwrap(call, wrapped, CONTEXT)).rejects.toThrow(code('WrappedDekForged'))
  })
})
