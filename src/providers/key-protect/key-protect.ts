import { readFile } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import { type Crn, parseCrn } from '../../base/crn.ts'
import { isUuid } from '../../base/ids.ts'
import { dekFrom } from '../../envelope/dek.ts'
import type { KeyCall, KeyUse, WrapContext, WrappedDek } from '../../envelope/key-provider.ts'
import { type Circuit, createCircuit } from '../common/circuit.ts'
import { followClientCertificate } from '../common/client-certificate.ts'
import { defineKeyProvider, type OpenKeyProvider, type ProviderLog } from '../common/define-key-provider.ts'
import { failure } from '../common/failure.ts'
import { type HttpReply, httpExchange } from '../common/http-exchange.ts'
import { type KeyProtectClient, type KeyRequest, keyProtectClient } from './client.ts'
import { isServiceOnly, isStateRefusal, refusalOf } from './refusals.ts'
import { type KeyMetadata, metadataReply, readReply, rewrapReply, unwrapReply, wrapReply } from './replies.ts'
import { keyProtectSettings } from './settings.ts'

/** A Key Protect service elsewhere: Coffer's in another process, or IBM's. */
export const keyProtect = defineKeyProvider({
  type: 'key-protect',
  settings: keyProtectSettings,
  secrets: ['api-key', 'api-keys'],
  open: async (settings, { name, log }) => {
    const { 'ca-file': caFile, 'client-certificate-file': certificateFile, 'client-key-file': keyFile } = settings
    const shown =
      certificateFile === undefined || keyFile === undefined
        ? undefined
        : await followClientCertificate({ certificateFile, keyFile }, (err) =>
            log.warn({ provider: name, err }, 'the new client certificate cannot be used, the former one goes on'),
          )
    const exchange = httpExchange({
      ...(caFile === undefined ? {} : { ca: await readFile(caFile, 'utf8') }),
      ...(shown ? { client: shown.current } : {}),
    })
    const client: KeyProtectClient = keyProtectClient(settings, exchange, () => circuit)
    const circuit: Circuit = createCircuit({
      now: Date.now,
      probe: client.probe,
      onChange: ({ open, reason }) =>
        open
          ? log.warn({ provider: name, reason }, 'key provider is unreachable: its buckets answer 503 until it is back')
          : log.info({ provider: name }, 'key provider is back'),
    })
    return keyProtectProvider({
      name,
      log,
      client,
      circuit,
      close: async () => {
        circuit[Symbol.dispose]()
        shown?.[Symbol.dispose]()
        await exchange[Symbol.asyncDispose]()
      },
    })
  },
})

const STATE = { active: 1, deactivated: 3, destroyed: 5 } as const
/** A UUID is of that form too. */
const ALIAS = /^[A-Za-z0-9_-]{2,90}$/
const MAX_CHECKED_KEYS = 10_000
/** Whoever asks for a permit has an answer of two seconds ago at hand, and does not wait longer for the next. */
const PERMIT_TIMEOUT_MS = 1800

interface ProviderParts {
  readonly name: string
  readonly log: ProviderLog
  readonly client: KeyProtectClient
  readonly circuit: Pick<Circuit, 'state'>
  readonly close: () => Promise<void>
}

function keyProtectProvider({ name, log, client, circuit, close }: ProviderParts): OpenKeyProvider {
  const checked = new LRUCache<string, true>({ max: MAX_CHECKED_KEYS })
  let registrations = true

  /** Sends a call about a key; throws what the answer means unless it is a success. */
  const send = async (call: KeyCall, request: KeyRequest, options?: { opens: boolean }): Promise<HttpReply> => {
    const reply = await client.call(call, request)
    if (reply.status < 300) return reply
    if (isStateRefusal(reply)) assertUsable(await metadata(call), request.path === '/actions/wrap' ? 'wrap' : 'unwrap')
    throw refusalOf(reply, options)
  }

  /** Throws RootKeyNotFound for a key that exists, if at all, under another CRN: region and account count too. */
  const metadata = async (call: KeyCall, timeoutMs?: number): Promise<KeyMetadata> => {
    const limit = timeoutMs === undefined ? {} : { timeoutMs }
    const reply = await client.call(call, { method: 'GET', path: '/metadata', ...limit })
    if (reply.status !== 200) throw refusalOf(reply)
    const found = readReply(metadataReply, reply)
    if (found.crn !== call.rootKeyCrn || found.extractable) throw failure('RootKeyNotFound')
    checked.set(call.rootKeyCrn, true)
    return found
  }

  /** The service looks at the id alone, so that the rest of a CRN is compared before its first use. */
  const check = async (call: KeyCall): Promise<void> => {
    assertNamesKey(call)
    if (!checked.has(call.rootKeyCrn)) await metadata(call)
  }

  const action = async (call: KeyCall, verb: 'wrap' | 'unwrap' | 'rewrap', body: object): Promise<HttpReply> => {
    await check(call)
    const type = `application/vnd.ibm.kms.key_action_${verb}+json`
    const request = { method: 'POST', path: `/actions/${verb}`, type, body } as const
    return send(call, request, { opens: verb !== 'wrap' })
  }

  const registered = async (call: KeyCall, request: KeyRequest): Promise<void> => {
    assertNamesKey(call)
    if (!registrations) return
    const reply = await client.call(call, request)
    if (isServiceOnly(reply)) {
      registrations = false
      log.warn(
        { provider: name },
        'this key service lets only its own services register: its keys can be deleted while buckets need them',
      )
      return
    }
    if (reply.status < 300 || reply.status === 409) return
    if (isStateRefusal(reply)) assertUsable(await metadata(call), 'wrap')
    throw refusalOf(reply)
  }

  return {
    name,
    supports: {
      rewrap: true,
      aad: true,
      versions: true,
      get registrations() {
        return registrations
      },
    },
    problems: () => {
      const { open, sinceMs } = circuit.state()
      return open ? [`unreachable since ${new Date(sinceMs).toISOString()}`] : []
    },
    // Each call travels.
    prefersBucketKeys: () => true,
    // One answer tells right and state, and an active key does both.
    wrapPermitsUnwrap: true,
    wrap: async (call, dek, aad) => {
      const reply = await action(call, 'wrap', { plaintext: dek.bytes.toString('base64'), aad })
      const { ciphertext, keyVersion } = readReply(wrapReply, reply)
      return { ciphertext, keyVersion: keyVersion.id }
    },
    unwrap: async (call, wrapped, aad) => {
      const reply = await action(call, 'unwrap', opening(wrapped, aad))
      const { plaintext, keyVersion, ciphertext, rewrappedKeyVersion } = readReply(unwrapReply, reply)
      const dek = dekFrom(plaintext)
      if (plaintext.length !== 32 || keyVersion.id !== wrapped.keyVersion) {
        dek[Symbol.dispose]()
        throw failure('WrappedDekForged')
      }
      if (ciphertext === undefined || rewrappedKeyVersion === undefined) return { dek }
      return { dek, rewrapped: { ciphertext, keyVersion: rewrappedKeyVersion.id } }
    },
    rewrap: async (call, wrapped, aad) => {
      const reply = await action(call, 'rewrap', opening(wrapped, aad))
      const { ciphertext, keyVersion, rewrappedKeyVersion } = readReply(rewrapReply, reply)
      if (keyVersion.id !== wrapped.keyVersion) throw failure('WrappedDekForged')
      return { ciphertext, keyVersion: rewrappedKeyVersion.id }
    },
    permit: async (call, use) => {
      assertNamesKey(call)
      // Reader, the least role that sees metadata, also wraps and unwraps: one answer tells right and state.
      assertUsable(await metadata(call, PERMIT_TIMEOUT_MS), use)
    },
    describe: async (call) => {
      assertNamesKey(call)
      const found = await metadata(call)
      assertUsable(found, 'wrap')
      return { crn: found.crn, region: parseCrn(found.crn).region, keyVersion: found.keyVersion?.id ?? '' }
    },
    find: async (call) => {
      const asked = parseCrn(call.rootKeyCrn)
      const { service, resourceType, instance, resource } = asked
      const named = service === 'kms' && resourceType === 'key' && isUuid(instance) && ALIAS.test(resource)
      if (!named) throw failure('RootKeyNotFound')
      const reply = await client.call(call, { method: 'GET', path: '/metadata' })
      if (reply.status !== 200) throw refusalOf(reply)
      const found = readReply(metadataReply, reply)
      const crn = parseCrn(found.crn)
      const same = crn.account === asked.account && crn.region === asked.region && crn.instance === instance
      if (!same || found.extractable) throw failure('RootKeyNotFound')
      assertUsable(found, 'wrap')
      return { crn: found.crn, region: crn.region, keyVersion: found.keyVersion?.id ?? '' }
    },
    register: async (call, { resourceCrn, description, preventKeyDeletion, keyVersion }) => {
      await check(call)
      const path = registrationPath(resourceCrn)
      await registered(call, { method: 'POST', path, body: { description, preventKeyDeletion } })
      // A new one is given the newest, and one that is there keeps what it has.
      if (keyVersion !== undefined)
        await registered(call, { method: 'PATCH', path, body: { keyVersionId: keyVersion } })
    },
    deregister: (call, { resourceCrn }) => registered(call, { method: 'DELETE', path: registrationPath(resourceCrn) }),
    close,
  }
}

const registrationPath = (resourceCrn: string): string => `/registrations/${encodeURIComponent(resourceCrn)}`

function opening({ ciphertext }: WrappedDek, aad: WrapContext): object {
  // Key Protect takes an empty one for a missing member, whose error is another.
  if (ciphertext.length === 0) throw failure('WrappedDekForged')
  return { ciphertext: ciphertext.toString('base64'), aad }
}

/** Throws RootKeyNotFound. */
function assertNamesKey({ rootKeyCrn }: KeyCall): void {
  let crn: Crn
  try {
    crn = parseCrn(rootKeyCrn)
  } catch (error) {
    throw failure('RootKeyNotFound', error)
  }
  const { service, resourceType, resource, instance } = crn
  // Never an alias, which could name another key tomorrow.
  const named = service === 'kms' && resourceType === 'key' && isUuid(resource) && isUuid(instance)
  if (!named) throw failure('RootKeyNotFound')
}

/** Throws RootKeyNotFound or RootKeyDisabled. An expired key still unwraps. */
function assertUsable({ state }: KeyMetadata, use: KeyUse): void {
  if (state === STATE.active || (state === STATE.deactivated && use === 'unwrap')) return
  throw failure(state === STATE.destroyed ? 'RootKeyNotFound' : 'RootKeyDisabled')
}
