import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parseCrn } from '../../../src/base/crn.ts'
import { newDek } from '../../../src/envelope/dek.ts'
import type { KeyCall } from '../../../src/envelope/key-provider.ts'
import type { OpenKeyProvider } from '../../../src/providers/common/define-key-provider.ts'
import { KEY_PROVIDERS } from '../../../src/providers/index.ts'
import { testCertificates } from '../../support/certificate.ts'
import { API_KEY, type KeyService, startKeyService } from '../../support/key-service.ts'

const CONTEXT = ['oef1', 'dek', 'bucket', 'blob']
const code = (expected: string) => expect.objectContaining({ code: expected })

let service: KeyService
let call: KeyCall
beforeAll(async () => {
  service = await startKeyService()
  call = await newCall()
})
afterAll(() => service.close())
afterEach(() => service.intercept(undefined))

async function newCall(): Promise<KeyCall> {
  const serviceInstanceCrn = await service.newServiceInstance()
  await service.authorize(serviceInstanceCrn)
  return { rootKeyCrn: await service.newKey(), serviceInstanceCrn }
}

interface Opened {
  readonly provider: OpenKeyProvider
  readonly logged: string[]
}

async function open(more: object = {}): Promise<Opened> {
  const logged: string[] = []
  const log = (_: object, message: string) => void logged.push(message)
  const given = { url: service.url, 'api-key': API_KEY, 'timeout-ms': 3000, ...more }
  const configured = KEY_PROVIDERS['key-protect'].configure(given)
  if (!configured.success) throw new Error(JSON.stringify(configured.issues))
  const provider = await configured.open({ name: 'elsewhere', log: { info: log, warn: log } })
  onTestFinished(() => provider.close())
  return { provider, logged }
}

const wrapNew = async (provider: OpenKeyProvider, of: KeyCall = call) => {
  using dek = newDek()
  return provider.wrap(of, dek, CONTEXT)
}
/** Requests since `act` began that are about `path`. */
async function during(act: () => Promise<unknown>, path: RegExp): Promise<string[]> {
  const before = service.requests.length
  await act()
  return service.requests.slice(before).filter((request) => path.test(request))
}
const answering =
  (path: RegExp, ...answers: readonly ((response: ServerResponse) => void)[]) =>
  ({ url = '' }: IncomingMessage, response: ServerResponse): boolean => {
    if (!path.test(url)) return false
    const answer = left(answers)
    answer?.(response)
    return answer !== undefined
  }
const given = new WeakMap<readonly unknown[], number>()
/** The next of a list each time; then none. */
function left<T>(list: readonly T[]): T | undefined {
  const at = given.get(list) ?? 0
  given.set(list, at + 1)
  return list[at]
}
const status =
  (number: number, headers: Readonly<Record<string, string>> = {}, body = '') =>
  (response: ServerResponse): void =>
    void response.writeHead(number, headers).end(body)
const reset = (response: ServerResponse): void => void response.socket?.resetAndDestroy()
const silence = (): void => {}

describe('calls that fail in passing', () => {
  it.each([
    ['429', status(429)],
    ['500', status(500)],
    ['503', status(503)],
    ['a lost connection', reset],
  ])('are repeated after %s', async (_, failure) => {
    const { provider } = await open()
    await provider.permit(call, 'wrap')
    service.intercept(answering(/actions\/wrap/, failure, failure))
    expect(await during(() => wrapNew(provider), /actions\/wrap/)).toHaveLength(3)
  })

  it('are repeated no earlier than Retry-After says', async () => {
    const { provider } = await open()
    await provider.permit(call, 'wrap')
    service.intercept(answering(/actions\/wrap/, status(429, { 'retry-after': '1' })))
    const startedAtMs = performance.now()
    await wrapNew(provider)
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(990)
  })

  it('are not repeated when that would be too late for who waits', async () => {
    const { provider } = await open()
    await provider.permit(call, 'wrap')
    service.intercept(answering(/actions\/wrap/, status(429, { 'retry-after': '60' })))
    const act = () => expect(wrapNew(provider)).rejects.toThrow(code('KeyProviderUnavailable'))
    expect(await during(act, /actions\/wrap/)).toHaveLength(1)
  })

  it('are given up after some attempts', async () => {
    const { provider } = await open({ 'timeout-ms': 10_000 })
    await provider.permit(call, 'wrap')
    service.intercept(answering(/actions\/wrap/, ...Array.from({ length: 20 }, () => status(429))))
    const act = () => expect(wrapNew(provider)).rejects.toThrow(code('KeyProviderUnavailable'))
    expect(await during(act, /actions\/wrap/)).toHaveLength(5)
  })

  it('are given up in time when nothing is answered', async () => {
    const { provider } = await open({ 'timeout-ms': 400 })
    await provider.permit(call, 'wrap')
    service.intercept(answering(/actions\/wrap/, silence, silence, silence))
    const act = () => expect(wrapNew(provider)).rejects.toThrow(code('KeyProviderUnavailable'))
    expect((await during(act, /actions\/wrap/)).length).toBeGreaterThan(1)
  })

  it('are not repeated after an answer that will not change', async () => {
    const { provider } = await open()
    await provider.permit(call, 'wrap')
    for (const number of [400, 404, 409, 501]) {
      service.intercept(answering(/actions\/wrap/, status(number)))
      const act = () => expect(wrapNew(provider)).rejects.toThrow(code('KeyProviderUnavailable'))
      expect(await during(act, /actions\/wrap/)).toHaveLength(1)
    }
  })
})

describe('a service that does not answer', () => {
  it('is not waited for any more after some failures, says so, and is used again when it is back', async () => {
    const { provider, logged } = await open()
    await wrapNew(provider)
    await service.disconnect()
    try {
      await expect(wrapNew(provider)).rejects.toThrow(code('KeyProviderUnavailable'))
      expect(provider.problems()).toEqual([expect.stringMatching(/^unreachable since \d{4}-/)])
      expect(logged).toEqual([expect.stringMatching(/is unreachable/)])
      await expect(wrapNew(provider)).rejects.toThrow(code('KeyProviderUnavailable'))
    } finally {
      await service.reconnect()
    }
    await expect.poll(() => provider.problems(), { timeout: 5000 }).toEqual([])
    expect(logged).toEqual([expect.anything(), expect.stringMatching(/is back/)])
    await wrapNew(provider)
  })

  it('is there to be opened all the same', async () => {
    const { provider } = await open({ url: 'http://127.0.0.1:9' })
    await expect(wrapNew(provider)).rejects.toThrow(code('KeyProviderUnavailable'))
  })

  it.each([
    ['no JSON', status(200, {}, '<html>')],
    ['no ciphertext', status(200, {}, '{"keyVersion":{"id":"a"}}')],
    ['no base64', status(200, {}, '{"ciphertext":"a b","keyVersion":{"id":"a"}}')],
    ['more than anybody would say', status(200, {}, 'x'.repeat(2 * 1024 * 1024))],
    [
      'less than it announced',
      (response: ServerResponse) =>
        void response.writeHead(200, { 'content-length': '9' }).end('x', () => reset(response)),
    ],
  ])('or answers with %s is unavailable', async (_, answer) => {
    const { provider } = await open()
    await provider.permit(call, 'wrap')
    service.intercept(answering(/actions\/wrap/, ...Array.from({ length: 9 }, () => answer)))
    await expect(wrapNew(provider)).rejects.toThrow(code('KeyProviderUnavailable'))
  })
})

describe('tokens', () => {
  it('are asked for once for many calls at once, and used until they have to be renewed', async () => {
    const { provider } = await open()
    const act = async () => {
      await Promise.all(Array.from({ length: 10 }, () => wrapNew(provider)))
      await wrapNew(provider)
    }
    // One of the user, one as the service.
    expect(await during(act, /identity\/token/)).toHaveLength(2)
  })

  it('KeyAccessDenied: an API key that is gone, or may not act for the instance', async () => {
    const { provider } = await open({ 'api-key': 'nobody-has-this-api-key-0123456789abcdef' })
    await expect(wrapNew(provider)).rejects.toThrow(code('KeyAccessDenied'))
    const elsewhere = {
      ...call,
      serviceInstanceCrn: call.serviceInstanceCrn.replace(/a\/.{32}/, `a/${'d'.repeat(32)}`),
    }
    const { provider: able } = await open()
    await expect(wrapNew(able, elsewhere)).rejects.toThrow(code('KeyAccessDenied'))
  })

  it('come from the API key of the account of the instance', async () => {
    const { account } = parseCrn(call.serviceInstanceCrn)
    const keys = `${'e'.repeat(32)} other-key\n${account} ${API_KEY}\n`
    const { provider } = await open({ 'api-key': undefined, 'api-keys': keys })
    await wrapNew(provider)
    const stranger = { ...call, serviceInstanceCrn: call.serviceInstanceCrn.replace(account, 'f'.repeat(32)) }
    await expect(wrapNew(provider, stranger)).rejects.toThrow(code('KeyAccessDenied'))
  })
})

describe('what goes over the wire', () => {
  it('carries the id of the request, so that the audit of the keys names it', async () => {
    const { provider } = await open()
    await wrapNew(provider, { ...call, requestId: 'request-of-s3' })
    const wraps = service.events.filter(({ action }) => action === 'kms.secrets.wrap')
    expect(wraps.at(-1)).toMatchObject({ correlationId: 'request-of-s3', iamId: `crn-${call.serviceInstanceCrn}` })
  })

  it('trusts no certificate but those it was told to', async () => {
    const certificates = testCertificates()
    const secure = await startKeyService(certificates)
    onTestFinished(() => secure.close())
    const { provider } = await open({ url: secure.url })
    await expect(wrapNew(provider)).rejects.toThrow(code('KeyProviderUnavailable'))
    expect(secure.requests).toEqual([])
  })

  it.each([
    ['another region', /us-south/, 'eu-de'],
    ['another account', /a{32}/, 'c'.repeat(32)],
    ['another resource type', /:key:/, ':alias:'],
    ['no key', /:key:.*/, '::'],
    ['not a CRN', /^crn/, 'arn'],
    ['a path', /[^:]+$/, '../instance'],
  ])('finds no key under the CRN of %s', async (_, segment, other) => {
    const { provider } = await open()
    const elsewhere = { ...call, rootKeyCrn: call.rootKeyCrn.replace(segment, other) }
    await expect(wrapNew(provider, elsewhere)).rejects.toThrow(code('RootKeyNotFound'))
    await expect(provider.describe(elsewhere)).rejects.toThrow(code('RootKeyNotFound'))
  })

  it('finds no key by its alias: a CRN names an id', async () => {
    const { provider } = await open()
    await service.kms.createAlias(service.manager, parseCrn(call.rootKeyCrn).resource, 'payroll')
    const rootKeyCrn = call.rootKeyCrn.replace(/[^:]+$/, 'payroll')
    await expect(wrapNew(provider, { ...call, rootKeyCrn })).rejects.toThrow(code('RootKeyNotFound'))
  })

  it('says RootKeyNotFound of a deleted key, not RootKeyDisabled', async () => {
    const { provider } = await open()
    const doomed = { ...call, rootKeyCrn: await service.newKey() }
    const wrapped = await wrapNew(provider, doomed)
    await service.kms.deleteKey(service.manager, parseCrn(doomed.rootKeyCrn).resource, { force: true })
    for (const act of [
      () => wrapNew(provider, doomed),
      () => provider.unwrap(doomed, wrapped, CONTEXT),
      () => provider.rewrap(doomed, wrapped, CONTEXT),
      () => provider.permit(doomed, 'unwrap'),
    ]) {
      await expect(act()).rejects.toThrow(code('RootKeyNotFound'))
    }
  })
})

describe('registrations', () => {
  const registration = () => ({
    rootKeyCrn: call.rootKeyCrn,
    resourceCrn: `${call.serviceInstanceCrn.replace(/::$/, '')}:bucket:photos`,
    description: 'a bucket',
  })
  const registered = () =>
    service.kms
      .listRegistrations(service.manager, parseCrn(call.rootKeyCrn).resource, {}, { offset: 0, limit: 10 })
      .items.map(({ resourceCrn, description }) => ({ resourceCrn, description }))

  it('are kept by the service, and taken back without authorization', async () => {
    const { provider } = await open()
    await provider.register(call, registration())
    const { resourceCrn, description } = registration()
    expect(registered()).toEqual([{ resourceCrn, description }])
    await service.revoke(call.serviceInstanceCrn)
    await provider.deregister(call, registration())
    expect(registered()).toEqual([])
    await service.authorize(call.serviceInstanceCrn)
  })

  it('tell the version that they are renewed with, and keep it', async () => {
    const { provider } = await open()
    const key = parseCrn(call.rootKeyCrn).resource
    const version = () =>
      service.kms.listRegistrations(service.manager, key, {}, { offset: 0, limit: 10 }).items[0]?.keyVersionId
    await provider.register(call, registration())
    const first = (await provider.describe(call)).keyVersion
    await service.kms.rotateKey(service.manager, key)
    await provider.register(call, registration())
    expect(version()).toBe(first)
    const { keyVersion } = await provider.describe(call)
    await provider.register(call, { ...registration(), keyVersion })
    expect(version()).toBe(keyVersion)
    await provider.deregister(call, registration())
  })

  it('are done without where the service keeps them to its own services, and that is said', async () => {
    const { provider, logged } = await open()
    const body = { resources: [{ errorMsg: 'Forbidden', reasons: [{ code: 'SERVICE_ONLY_ERR' }] }] }
    service.intercept(answering(/registrations/, status(403, {}, JSON.stringify(body))))
    expect(provider.supports.registrations).toBe(true)
    await provider.register(call, registration())
    expect(provider.supports.registrations).toBe(false)
    expect(logged).toEqual([expect.stringMatching(/only its own services register/)])
    expect(await during(() => provider.deregister(call, registration()), /./)).toEqual([])
  })
})
