import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newDek } from '../../src/envelope/dek.ts'
import type { KeyCall, KeyProvider, KeyProviderErrorCode, WrappedDek } from '../../src/envelope/key-provider.ts'

/** A provider and the levers of the service behind it. Keys and instances are named by their CRNs. */
export interface KeyProviderUnderTest {
  readonly provider: KeyProvider
  readonly newRootKey: () => Promise<string>
  /** A service instance without authorizations. */
  readonly newServiceInstance: () => Promise<string>
  readonly authorize: (serviceInstanceCrn: string) => Promise<void>
  readonly revoke: (serviceInstanceCrn: string) => Promise<void>
  readonly disable: (rootKeyCrn: string) => Promise<void>
  readonly enable: (rootKeyCrn: string) => Promise<void>
  readonly remove: (rootKeyCrn: string) => Promise<void>
  readonly rotate: (rootKeyCrn: string) => Promise<void>
  /** Names a key, where the service knows such names; the CRN that says so. */
  readonly alias?: (rootKeyCrn: string) => Promise<string>
  /** A key that never wraps, where the service knows such keys. */
  readonly standardKey?: () => Promise<string>
  /** A root key that can be made to unwrap only, where the service knows such keys. */
  readonly expiringKey?: () => Promise<{ readonly rootKeyCrn: string; readonly expire: () => Promise<void> }>
  /** Make the service unreachable and reachable again, where that can be. */
  readonly disconnect?: () => Promise<void>
  readonly reconnect?: () => Promise<void>
  readonly close: () => Promise<void>
}

const USES = ['wrap', 'unwrap'] as const
const CONTEXT = ['oef1', 'dek', '11111111-2222-3333-4444-555555555555', '00112233445566778899aabbccddeeff']
/** Flipping every byte of a long or remote ciphertext would take too long: this many, evenly spread. */
const MAX_FLIPS = 160

/** What every key provider promises. `open` is called once; every test makes its own keys. */
export function keyProviderSuite(name: string, open: () => Promise<KeyProviderUnderTest>): void {
  describe(`key provider: ${name}`, () => {
    let kms: KeyProviderUnderTest
    let provider: KeyProvider

    beforeAll(async () => {
      kms = await open()
      provider = kms.provider
    })
    afterAll(async () => {
      await provider.close()
      await kms.close()
    })

    /** An authorized service and a root key of its own. */
    const newCall = async (): Promise<KeyCall> => {
      const serviceInstanceCrn = await kms.newServiceInstance()
      await kms.authorize(serviceInstanceCrn)
      return { rootKeyCrn: await kms.newRootKey(), serviceInstanceCrn }
    }
    const wrapNew = async (call: KeyCall, context: readonly string[] = CONTEXT) => {
      using dek = newDek()
      return { wrapped: await provider.wrap(call, dek, context), bytes: Buffer.from(dek.bytes) }
    }
    const unwrapped = async (call: KeyCall, wrapped: WrappedDek, context: readonly string[] = CONTEXT) => {
      using dek = (await provider.unwrap(call, wrapped, context)).dek
      return Buffer.from(dek.bytes)
    }
    const refuses = (act: Promise<unknown>, ...codes: KeyProviderErrorCode[]) =>
      expect(
        act.then(
          () => 'no error',
          (error: unknown) => codeOf(error),
        ),
      ).resolves.toSatisfy((code: string) => codes.some((wanted) => wanted === code), `one of ${codes.join(', ')}`)
    /** Every way of using a key gives the same refusal. */
    const refusesAll = async (call: KeyCall, wrapped: WrappedDek, code: KeyProviderErrorCode) => {
      await refuses(wrapNew(call), code)
      await refuses(unwrapped(call, wrapped), code)
      for (const use of USES) await refuses(provider.permit(call, use), code)
      await refuses(provider.describe(call), code)
      if (provider.supports.rewrap) await refuses(provider.rewrap(call, wrapped, CONTEXT), code)
    }

    it('unwraps what it wrapped', async () => {
      const call = await newCall()
      const { wrapped, bytes } = await wrapNew(call)
      expect(await unwrapped(call, wrapped)).toEqual(bytes)
    })

    it('never shows the DEK in what storage keeps', async () => {
      const { wrapped, bytes } = await wrapNew(await newCall())
      expect(wrapped.ciphertext.includes(bytes)).toBe(false)
      expect(wrapped.keyVersion).not.toBe('')
    })

    it('wraps the same DEK differently each time', async () => {
      const call = await newCall()
      using dek = newDek()
      const first = await provider.wrap(call, dek, CONTEXT)
      expect((await provider.wrap(call, dek, CONTEXT)).ciphertext).not.toEqual(first.ciphertext)
    })

    it('leaves the DEK it was given to its owner', async () => {
      const call = await newCall()
      using dek = newDek()
      const before = Buffer.from(dek.bytes)
      await provider.wrap(call, dek, CONTEXT)
      expect(dek.bytes).toEqual(before)
    })

    it('gives every caller a DEK of its own to dispose', async () => {
      const call = await newCall()
      const { wrapped, bytes } = await wrapNew(call)
      const first = await provider.unwrap(call, wrapped, CONTEXT)
      using second = (await provider.unwrap(call, wrapped, CONTEXT)).dek
      first.dek[Symbol.dispose]()
      expect(second.bytes).toEqual(bytes)
      expect(await unwrapped(call, wrapped)).toEqual(bytes)
    })

    it('describes a root key that may be used', async () => {
      const call = await newCall()
      const { wrapped } = await wrapNew(call)
      const description = await provider.describe(call)
      expect(description.crn).toBe(call.rootKeyCrn)
      expect(description.keyVersion).toBe(wrapped.keyVersion)
    })

    it('finds a key by its id or an alias, and takes an alias for nothing else', async ({ skip }) => {
      const { alias } = kms
      if (alias === undefined) return skip('the service has no aliases')
      const call = await newCall()
      const { wrapped } = await wrapNew(call)
      const found = await provider.describe(call)
      expect(await provider.find(call)).toEqual(found)
      const named = { ...call, rootKeyCrn: await alias(call.rootKeyCrn) }
      expect(await provider.find(named)).toEqual(found)
      await refusesAll(named, wrapped, 'RootKeyNotFound')
      await refuses(provider.find({ ...named, rootKeyCrn: `${named.rootKeyCrn}-not` }), 'RootKeyNotFound')
      const elsewhere = named.rootKeyCrn.replace(':us-south:', ':eu-de:')
      expect(elsewhere).not.toBe(named.rootKeyCrn)
      await refuses(provider.find({ ...named, rootKeyCrn: elsewhere }), 'RootKeyNotFound')
      await kms.disable(call.rootKeyCrn)
      await refuses(provider.find(named), 'RootKeyDisabled')
      await kms.enable(call.rootKeyCrn)
      await kms.revoke(call.serviceInstanceCrn)
      await refuses(provider.find(named), 'KeyAccessDenied')
      if (kms.standardKey === undefined) return
      const other = await newCall()
      await refuses(provider.find({ ...other, rootKeyCrn: await alias(await kms.standardKey()) }), 'RootKeyNotFound')
    })

    it('permits an authorized service', async () => {
      const call = await newCall()
      for (const use of USES) await expect(provider.permit(call, use)).resolves.toBeUndefined()
    })

    it('RootKeyNotFound: a key that never was', async () => {
      const call = await newCall()
      const { wrapped } = await wrapNew(call)
      const rootKeyCrn = call.rootKeyCrn.replace(/[^:]+$/, 'deadbeef-0000-4000-8000-000000000000')
      await refusesAll({ ...call, rootKeyCrn }, wrapped, 'RootKeyNotFound')
    })

    it('RootKeyNotFound: a standard key', async ({ skip }) => {
      const { standardKey } = kms
      if (standardKey === undefined) return skip('the service has no standard keys')
      const call = await newCall()
      const { wrapped } = await wrapNew(call)
      await refusesAll({ ...call, rootKeyCrn: await standardKey() }, wrapped, 'RootKeyNotFound')
    })

    it('a removed key is refused at once', async () => {
      const call = await newCall()
      const { wrapped } = await wrapNew(call)
      await kms.remove(call.rootKeyCrn)
      for (const use of [
        () => wrapNew(call),
        () => unwrapped(call, wrapped),
        ...USES.map((use) => () => provider.permit(call, use)),
        () => provider.describe(call),
      ]) {
        await refuses(use(), 'RootKeyNotFound', 'RootKeyDisabled')
      }
    })

    it('RootKeyDisabled: at once, and readable again when it is enabled', async () => {
      const call = await newCall()
      const { wrapped, bytes } = await wrapNew(call)
      expect(await unwrapped(call, wrapped)).toEqual(bytes)
      await kms.disable(call.rootKeyCrn)
      await refusesAll(call, wrapped, 'RootKeyDisabled')
      await kms.enable(call.rootKeyCrn)
      expect(await unwrapped(call, wrapped)).toEqual(bytes)
    })

    it('RootKeyDisabled: a deactivated key wraps nothing new and still unwraps', async ({ skip }) => {
      const { expiringKey } = kms
      if (expiringKey === undefined) return skip('the service has no keys that expire')
      const { rootKeyCrn, expire } = await expiringKey()
      const call = { ...(await newCall()), rootKeyCrn }
      const { wrapped, bytes } = await wrapNew(call)
      await expire()
      await refuses(wrapNew(call), 'RootKeyDisabled')
      await refuses(provider.permit(call, 'wrap'), 'RootKeyDisabled')
      await refuses(provider.describe(call), 'RootKeyDisabled')
      await provider.permit(call, 'unwrap')
      expect(await unwrapped(call, wrapped)).toEqual(bytes)
    })

    it('KeyAccessDenied: without authorization, and at once when it is taken away', async () => {
      const call = await newCall()
      const { wrapped, bytes } = await wrapNew(call)
      const stranger = { ...call, serviceInstanceCrn: await kms.newServiceInstance() }
      await refusesAll(stranger, wrapped, 'KeyAccessDenied')
      await kms.revoke(call.serviceInstanceCrn)
      await refusesAll(call, wrapped, 'KeyAccessDenied')
      await kms.authorize(call.serviceInstanceCrn)
      expect(await unwrapped(call, wrapped)).toEqual(bytes)
    })

    it('KeyProviderUnavailable: while the service cannot be reached', async ({ skip }) => {
      const { disconnect, reconnect } = kms
      if (disconnect === undefined || reconnect === undefined) return skip('the service is always in reach')
      const call = await newCall()
      const { wrapped, bytes } = await wrapNew(call)
      await disconnect()
      try {
        await refusesAll(call, wrapped, 'KeyProviderUnavailable')
      } finally {
        await reconnect()
      }
      // By itself, if not at once.
      await expect.poll(() => unwrapped(call, wrapped), { timeout: 5000 }).toEqual(bytes)
    })

    it('WrappedDekForged: any byte changed, cut off or added', async () => {
      const call = await newCall()
      const { wrapped } = await wrapNew(call)
      const { ciphertext } = wrapped
      const step = Math.max(1, Math.ceil(ciphertext.length / MAX_FLIPS))
      for (let at = 0; at < ciphertext.length; at += step) {
        const changed = Buffer.from(ciphertext)
        changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
        await refuses(unwrapped(call, { ...wrapped, ciphertext: changed }), 'WrappedDekForged')
      }
      const lengths = [ciphertext.subarray(0, -1), ciphertext.subarray(1), Buffer.alloc(0)]
      for (const cut of [...lengths, Buffer.concat([ciphertext, Buffer.from('A')])]) {
        await refuses(unwrapped(call, { ...wrapped, ciphertext: cut }), 'WrappedDekForged')
      }
    })

    it('WrappedDekForged: moved to another root key', async () => {
      const call = await newCall()
      const { wrapped } = await wrapNew(call)
      const other = { ...call, rootKeyCrn: await kms.newRootKey() }
      await refuses(unwrapped(other, wrapped), 'WrappedDekForged')
      const { wrapped: ofOther } = await wrapNew(other)
      await refuses(unwrapped(call, { ...wrapped, keyVersion: ofOther.keyVersion }), 'WrappedDekForged')
      await refuses(unwrapped(call, { ...wrapped, ciphertext: ofOther.ciphertext }), 'WrappedDekForged')
    })

    it('WrappedDekForged: under any other context', async ({ skip }) => {
      skip(!provider.supports.aad, 'the service binds no context')
      const call = await newCall()
      const { wrapped } = await wrapNew(call, ['ab', 'c'])
      for (const context of [['a', 'bc'], ['abc'], ['c', 'ab'], ['ab', 'c', ''], ['ab'], [], ['AB', 'c']]) {
        await refuses(unwrapped(call, wrapped, context), 'WrappedDekForged')
      }
      if (provider.supports.rewrap) await refuses(provider.rewrap(call, wrapped, ['abc']), 'WrappedDekForged')
    })

    it('rotation keeps what is old readable and hands over the same DEK under the new version', async ({ skip }) => {
      skip(!provider.supports.versions, 'the service has no key versions')
      const call = await newCall()
      const { wrapped, bytes } = await wrapNew(call)
      await kms.rotate(call.rootKeyCrn)
      const { dek, rewrapped } = await provider.unwrap(call, wrapped, CONTEXT)
      using opened = dek
      expect(opened.bytes).toEqual(bytes)
      expect(rewrapped?.keyVersion).toBe((await provider.describe(call)).keyVersion)
      expect(rewrapped?.keyVersion).not.toBe(wrapped.keyVersion)
      if (rewrapped) expect(await unwrapped(call, rewrapped)).toEqual(bytes)
      await refuses(unwrapped(call, { ...wrapped, keyVersion: rewrapped?.keyVersion ?? '' }), 'WrappedDekForged')
    })

    it('has nothing to hand over while the key has not rotated', async () => {
      const call = await newCall()
      const { wrapped } = await wrapNew(call)
      const { dek, rewrapped } = await provider.unwrap(call, wrapped, CONTEXT)
      dek[Symbol.dispose]()
      expect(rewrapped).toBeUndefined()
    })

    it('rewrap moves a DEK to the newest version', async ({ skip }) => {
      skip(!provider.supports.rewrap, 'the service cannot rewrap')
      const call = await newCall()
      const { wrapped, bytes } = await wrapNew(call)
      await kms.rotate(call.rootKeyCrn)
      const rewrapped = await provider.rewrap(call, wrapped, CONTEXT)
      expect(rewrapped.keyVersion).toBe((await provider.describe(call)).keyVersion)
      expect(await unwrapped(call, rewrapped)).toEqual(bytes)
      expect(await unwrapped(call, wrapped)).toEqual(bytes)
    })

    it('registers and deregisters a bucket, each as often as it likes', async ({ skip }) => {
      skip(!provider.supports.registrations, 'the service keeps no registrations')
      const call = await newCall()
      const resourceCrn = `${call.serviceInstanceCrn.replace(/::$/, '')}:bucket:photos`
      const registration = { rootKeyCrn: call.rootKeyCrn, resourceCrn }
      await provider.register(call, registration)
      await provider.register(call, registration)
      await provider.deregister(call, registration)
      await provider.deregister(call, registration)
    })
  })
}

function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) return String(error.code)
  return `an error without a code: ${String(error)}`
}
