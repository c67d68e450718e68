import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type CachedProviderOptions, cachedProvider } from '../../../src/envelope/cached-provider.ts'
import { newDek } from '../../../src/envelope/dek.ts'
import type { KeyCall, KeyProvider, WrappedDek } from '../../../src/envelope/key-provider.ts'
import { memoryKeyProvider } from '../../support/fakes/memory-key-provider.ts'

const CONTEXT = ['oef1', 'dek', 'b', '00']

describe('cached key provider', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
  afterEach(() => void vi.useRealTimers())

  const clock = { now: () => Date.now() }
  const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms)

  /** A root key with one wrapped DEK, seen through a cache. */
  const setUp = async (options: CachedProviderOptions = {}, around?: (inner: KeyProvider) => Partial<KeyProvider>) => {
    const kms = memoryKeyProvider()
    const inner = { ...kms.provider, ...around?.(kms.provider) }
    const provider = cachedProvider(inner, { clock, ...options })
    const newCall = async (): Promise<KeyCall> => {
      const serviceInstanceCrn = await kms.newServiceInstance()
      await kms.authorize(serviceInstanceCrn)
      return { rootKeyCrn: await kms.newRootKey(), serviceInstanceCrn }
    }
    const wrapNew = async (call: KeyCall) => {
      using dek = newDek()
      return { wrapped: await provider.wrap(call, dek, CONTEXT), bytes: Buffer.from(dek.bytes) }
    }
    const unwrapped = async (call: KeyCall, wrapped: WrappedDek, context = CONTEXT) => {
      using dek = (await provider.unwrap(call, wrapped, context)).dek
      return Buffer.from(dek.bytes)
    }
    const call = await newCall()
    const { wrapped, bytes } = await wrapNew(call)
    kms.calls.length = 0
    return { kms, provider, call, wrapped, bytes, newCall, wrapNew, unwrapped }
  }

  it('unwraps once, then answers from memory', async () => {
    const { kms, call, wrapped, bytes, unwrapped } = await setUp()
    for (let i = 0; i < 5; i++) expect(await unwrapped(call, wrapped)).toEqual(bytes)
    expect(kms.calls).toEqual(['unwrap'])
  })

  it('unwraps once for all who ask at the same time', async () => {
    const { kms, call, wrapped, bytes, unwrapped } = await setUp()
    const all = await Promise.all(Array.from({ length: 20 }, () => unwrapped(call, wrapped)))
    expect(all).toEqual(Array.from({ length: 20 }, () => bytes))
    expect(kms.calls).toEqual(['unwrap'])
    await kms.disable(call.rootKeyCrn)
    await passes(60_001)
    kms.calls.length = 0
    const refused = await Promise.allSettled(Array.from({ length: 20 }, () => unwrapped(call, wrapped)))
    expect(refused.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'rejected'))
    expect(kms.calls).toEqual(['unwrap'])
    await kms.enable(call.rootKeyCrn)
    expect(await unwrapped(call, wrapped)).toEqual(bytes)
  })

  it('asks once where whoever may wrap may unwrap, and learns of a refusal as soon', async () => {
    for (const wrapPermitsUnwrap of [true, false]) {
      const { kms, call, provider, wrapped, unwrapped } = await setUp({}, () => ({ wrapPermitsUnwrap }))
      await unwrapped(call, wrapped)
      for (const age of [1_500, 2_500]) {
        await passes(age)
        kms.calls.length = 0
        await unwrapped(call, wrapped)
        await provider.permit(call, 'wrap')
        await unwrapped(call, wrapped)
        await passes(1)
        const both = ['permit unwrap', 'permit wrap']
        expect(kms.calls).toEqual(wrapPermitsUnwrap && age < 2_000 ? ['permit wrap'] : both)
      }
      await kms.disable(call.rootKeyCrn)
      await passes(2_000)
      await expect(provider.permit(call, 'wrap')).rejects.toMatchObject({ code: 'RootKeyDisabled' })
      await expect(unwrapped(call, wrapped)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    }
  })

  it('asks at every use when permitMs is 0', async () => {
    const { kms, call, wrapped, unwrapped } = await setUp({ permitMs: 0 })
    for (let i = 0; i < 3; i++) await unwrapped(call, wrapped)
    expect(kms.calls).toEqual(['unwrap', 'permit unwrap', 'permit unwrap'])
  })

  it('refuses at the next use when permitMs is 0', async () => {
    const { kms, call, wrapped, unwrapped } = await setUp({ permitMs: 0 })
    await unwrapped(call, wrapped)
    await kms.disable(call.rootKeyCrn)
    await expect(unwrapped(call, wrapped)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
  })

  it.each([
    ['disabled', 'RootKeyDisabled'],
    ['removed', 'RootKeyNotFound'],
    ['unauthorized', 'KeyAccessDenied'],
    ['unreachable', 'KeyProviderUnavailable'],
  ])('a key %s behind its back is refused within permitMs, however busy it is', async (how, code) => {
    const { kms, call, wrapped, unwrapped } = await setUp({ permitMs: 2_000 })
    await unwrapped(call, wrapped)
    await passes(1_500)
    if (how === 'disabled') await kms.disable(call.rootKeyCrn)
    if (how === 'removed') await kms.remove(call.rootKeyCrn)
    if (how === 'unauthorized') await kms.revoke(call.serviceInstanceCrn)
    if (how === 'unreachable') await kms.disconnect()
    for (let waitedMs = 0; waitedMs < 2_000; waitedMs += 50) {
      await unwrapped(call, wrapped).catch(() => {})
      await passes(50)
    }
    for (let i = 0; i < 3; i++) await expect(unwrapped(call, wrapped)).rejects.toMatchObject({ code })
  })

  it('a key disabled while nobody asks is refused at the next use', async () => {
    const { kms, call, wrapped, unwrapped } = await setUp({ permitMs: 2_000 })
    await unwrapped(call, wrapped)
    await kms.disable(call.rootKeyCrn)
    await passes(2_000)
    await expect(unwrapped(call, wrapped)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
  })

  it.each([0, 2_000])(
    'keeps no DEK of a key that nobody has asked about for idleMs (permitMs %i)',
    async (permitMs) => {
      const { kms, call, wrapped, unwrapped } = await setUp({ permitMs, idleMs: 4_000 })
      await unwrapped(call, wrapped)
      for (let uses = 0; uses < 3; uses++) {
        await passes(3_000)
        await unwrapped(call, wrapped)
      }
      expect(kms.calls.filter((name) => name === 'unwrap')).toHaveLength(1)
      kms.calls.length = 0
      await passes(4_600)
      expect(kms.calls).toEqual([])
      await unwrapped(call, wrapped)
      expect(kms.calls).toEqual(['unwrap'])
    },
  )

  it('is readable again at once when the key is enabled', async () => {
    const { kms, call, wrapped, bytes, unwrapped } = await setUp()
    await unwrapped(call, wrapped)
    await kms.disable(call.rootKeyCrn)
    await passes(2_000)
    await expect(unwrapped(call, wrapped)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await kms.enable(call.rootKeyCrn)
    expect(await unwrapped(call, wrapped)).toEqual(bytes)
  })

  it('asks once for many uses of a key, however many DEKs it wraps', async () => {
    const { kms, call, unwrapped, wrapNew } = await setUp({ permitMs: 2_000 })
    const wrapped = await Promise.all(Array.from({ length: 20 }, async () => (await wrapNew(call)).wrapped))
    await Promise.all(wrapped.map((one) => unwrapped(call, one)))
    kms.calls.length = 0
    await passes(2_500)
    await Promise.all(wrapped.map((one) => unwrapped(call, one)))
    expect(kms.calls).toEqual(['permit unwrap'])
  })

  it('asks ahead of time for a key in use, so that nobody waits', async () => {
    const { kms, call, wrapped, unwrapped } = await setUp({ permitMs: 2_000 })
    await unwrapped(call, wrapped)
    await passes(1_200)
    await unwrapped(call, wrapped)
    await passes(1_200)
    await unwrapped(call, wrapped)
    expect(kms.calls).toEqual(['unwrap', 'permit unwrap', 'permit unwrap'])
  })

  it('lives through an outage shorter than permitMs', async () => {
    const { kms, call, wrapped, bytes, unwrapped } = await setUp({ permitMs: 2_000 })
    await unwrapped(call, wrapped)
    await passes(1_200)
    await kms.disconnect()
    expect(await unwrapped(call, wrapped)).toEqual(bytes)
    await kms.reconnect()
    await passes(700)
    expect(await unwrapped(call, wrapped)).toEqual(bytes)
    expect(kms.calls).toEqual(['unwrap', 'permit unwrap', 'permit unwrap'])
  })

  it('forgets the DEKs of a key that was out of reach for permitMs', async () => {
    const { kms, call, wrapped, bytes, unwrapped } = await setUp({ permitMs: 2_000 })
    await unwrapped(call, wrapped)
    await kms.disconnect()
    await passes(2_000)
    await expect(unwrapped(call, wrapped)).rejects.toMatchObject({ code: 'KeyProviderUnavailable' })
    await kms.reconnect()
    expect(await unwrapped(call, wrapped)).toEqual(bytes)
    expect(kms.calls).toEqual(['unwrap', 'permit unwrap', 'unwrap'])
  })

  it('a provider that does not answer in time counts as failing, and its late yes counts for nothing', async () => {
    const answers: (() => void)[] = []
    const { call, kms, wrapped, unwrapped } = await setUp({ permitMs: 2_000 }, () => ({
      permit: () => new Promise<void>((resolve) => void answers.push(resolve)),
    }))
    await unwrapped(call, wrapped)
    await passes(2_500)
    const use = unwrapped(call, wrapped)
    const refused = expect(use).rejects.toMatchObject({ code: 'KeyProviderUnavailable' })
    await passes(2_000)
    await refused
    for (const answer of answers) answer()
    await passes(1)
    kms.calls.length = 0
    await unwrapped(call, wrapped)
    expect(kms.calls).toEqual(['unwrap'])
  })

  it('an unwrap that was under way when the key was refused leaves nothing in the cache', async () => {
    const held = Promise.withResolvers<void>()
    const { kms, call, wrapped, bytes, wrapNew, unwrapped } = await setUp({}, (inner) => ({
      unwrap: async (...args) => {
        const answer = await inner.unwrap(...args)
        await held.promise
        return answer
      },
    }))
    const under = unwrapped(call, wrapped)
    await passes(1)
    await kms.disable(call.rootKeyCrn)
    await expect(wrapNew(call)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    held.resolve()
    expect(await under).toEqual(bytes)
    kms.calls.length = 0
    await expect(unwrapped(call, wrapped)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    expect(kms.calls).toEqual(['unwrap'])
  })

  it('a key that wraps no more keeps its cached DEKs, and is asked again whether it unwraps', async () => {
    const { kms, provider, newCall, wrapNew, unwrapped } = await setUp({ permitMs: 2_000 })
    const { rootKeyCrn, expire } = await kms.expiringKey()
    const call = { ...(await newCall()), rootKeyCrn }
    const { wrapped, bytes } = await wrapNew(call)
    await unwrapped(call, wrapped)
    await expire()
    await expect(wrapNew(call)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await passes(1)
    kms.calls.length = 0
    expect(await unwrapped(call, wrapped)).toEqual(bytes)
    expect(kms.calls).toEqual([])
    for (let i = 0; i < 3; i++) {
      await passes(2_500)
      await expect(provider.permit(call, 'wrap')).rejects.toMatchObject({ code: 'RootKeyDisabled' })
      expect(await unwrapped(call, wrapped)).toEqual(bytes)
    }
    expect(kms.calls).not.toContain('unwrap')
  })

  it('a disabled key that refuses to wrap loses its cached DEKs at once', async () => {
    const { kms, call, wrapped, wrapNew, unwrapped } = await setUp({ permitMs: 2_000 })
    await unwrapped(call, wrapped)
    await kms.disable(call.rootKeyCrn)
    await expect(wrapNew(call)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await passes(1)
    await kms.enable(call.rootKeyCrn)
    kms.calls.length = 0
    await unwrapped(call, wrapped)
    expect(kms.calls).toEqual(['unwrap'])
  })

  it('a yes to unwrapping is none to wrapping', async () => {
    const { kms, newCall, provider, wrapNew, unwrapped } = await setUp({ permitMs: 2_000 })
    const { rootKeyCrn, expire } = await kms.expiringKey()
    const call = { ...(await newCall()), rootKeyCrn }
    const { wrapped } = await wrapNew(call)
    await expire()
    await passes(2_000)
    await unwrapped(call, wrapped)
    await expect(provider.permit(call, 'wrap')).rejects.toMatchObject({ code: 'RootKeyDisabled' })
  })

  it('a refusal of one key or service leaves others cached', async () => {
    const { kms, call, wrapped, bytes, newCall, wrapNew, unwrapped } = await setUp()
    const other = await newCall()
    const { wrapped: ofOther } = await wrapNew(other)
    await unwrapped(call, wrapped)
    await unwrapped(other, ofOther)
    const stranger = { ...call, serviceInstanceCrn: await kms.newServiceInstance() }
    await expect(unwrapped(stranger, wrapped)).rejects.toMatchObject({ code: 'KeyAccessDenied' })
    await kms.disable(other.rootKeyCrn)
    await expect(wrapNew(other)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    kms.calls.length = 0
    expect(await unwrapped(call, wrapped)).toEqual(bytes)
    expect(kms.calls).toEqual([])
    await expect(unwrapped(other, ofOther)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
  })

  it('answers for nothing but the very same question', async () => {
    const { call, wrapped, newCall, unwrapped } = await setUp()
    await unwrapped(call, wrapped)
    const other = await newCall()
    const flipped = Buffer.from(wrapped.ciphertext)
    flipped.writeUInt8(flipped.readUInt8(0) ^ 1, 0)
    const questions = [
      unwrapped(call, wrapped, ['oef1', 'dek', 'b0', '0']),
      unwrapped(call, { ...wrapped, ciphertext: flipped }),
      unwrapped(call, { ...wrapped, keyVersion: 'another' }),
      unwrapped({ ...call, rootKeyCrn: other.rootKeyCrn }, wrapped),
    ]
    for (const question of questions) await expect(question).rejects.toMatchObject({ code: 'WrappedDekForged' })
  })

  it('asks the provider for each service that uses a key', async () => {
    const { kms, call, wrapped, bytes, unwrapped } = await setUp()
    const other = { ...call, serviceInstanceCrn: await kms.newServiceInstance() }
    await kms.authorize(other.serviceInstanceCrn)
    for (const each of [call, other]) expect(await unwrapped(each, wrapped)).toEqual(bytes)
    expect(kms.calls).toEqual(['unwrap', 'unwrap'])
  })

  it('a yes that was asked for before a refusal counts for nothing', async () => {
    const held = Promise.withResolvers<void>()
    let asked = 0
    const { kms, call, wrapped, wrapNew, unwrapped } = await setUp({ permitMs: 2_000 }, (inner) => ({
      permit: (...args) => (asked++ === 0 ? held.promise : inner.permit(...args)),
    }))
    await unwrapped(call, wrapped)
    await passes(2_000)
    const use = unwrapped(call, wrapped)
    const refused = expect(use).rejects.toMatchObject({ code: 'KeyProviderUnavailable' })
    await passes(1)
    await kms.disable(call.rootKeyCrn)
    await expect(wrapNew(call)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    held.resolve()
    await refused
  })

  it('forgets a DEK after its time, and the least used one when it is full', async () => {
    const { kms, call, wrapped, wrapNew, unwrapped } = await setUp({ ttlMs: 10_000, maxEntries: 2, permitMs: 1e9 })
    await unwrapped(call, wrapped)
    await passes(10_001)
    await unwrapped(call, wrapped)
    expect(kms.calls).toEqual(['unwrap', 'unwrap'])
    for (const { wrapped: another } of [await wrapNew(call), await wrapNew(call)]) await unwrapped(call, another)
    kms.calls.length = 0
    await unwrapped(call, wrapped)
    expect(kms.calls).toEqual(['unwrap'])
  })

  it('gives copies: a disposed DEK does not spoil the next', async () => {
    const { call, wrapped, bytes, provider } = await setUp()
    for (let i = 0; i < 3; i++) {
      const { dek } = await provider.unwrap(call, wrapped, CONTEXT)
      expect(dek.bytes).toEqual(bytes)
      dek[Symbol.dispose]()
    }
  })

  it('a clock set back does not make a yes last', async () => {
    const { kms, call, wrapped, unwrapped } = await setUp({ permitMs: 2_000 })
    await unwrapped(call, wrapped)
    await kms.disable(call.rootKeyCrn)
    vi.setSystemTime(500_000)
    await expect(unwrapped(call, wrapped)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
  })

  it('closes what it is wrapped around', async () => {
    const close = vi.fn(async () => {})
    const { provider } = await setUp({}, () => ({ close }))
    await provider.close()
    expect(close).toHaveBeenCalledOnce()
  })
})
