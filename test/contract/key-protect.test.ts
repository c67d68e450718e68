import { writeFile } from 'node:fs/promises'
import { parseCrn } from '../../src/base/crn.ts'
import { KEY_PROVIDERS } from '../../src/providers/index.ts'
import { type TestCertificates, testCertificates } from '../support/certificate.ts'
import { API_KEY, startKeyService } from '../support/key-service.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { type KeyProviderUnderTest, keyProviderSuite } from './key-provider.ts'

async function open(certificates?: TestCertificates, mutual = false): Promise<KeyProviderUnderTest> {
  const service = await startKeyService(certificates, mutual)
  const { kms, manager } = service
  const home = await temporaryDirectory()
  if (certificates) {
    await writeFile(home.join('ca.pem'), certificates.ca)
    await writeFile(home.join('store.pem'), certificates.client.cert)
    await writeFile(home.join('store.key'), certificates.client.key, { mode: 0o600 })
  }
  const shown = { 'client-certificate-file': home.join('store.pem'), 'client-key-file': home.join('store.key') }
  const configured = KEY_PROVIDERS['key-protect'].configure({
    url: service.url,
    'api-key': API_KEY,
    'timeout-ms': 2000,
    ...(certificates ? { 'ca-file': home.join('ca.pem') } : {}),
    ...(mutual ? shown : {}),
  })
  if (!configured.success) throw new Error(JSON.stringify(configured.issues))
  const provider = await configured.open({ name: 'elsewhere', log: { info: () => {}, warn: () => {} } })
  const idOf = (crn: string) => parseCrn(crn).resource
  return {
    provider,
    newRootKey: () => service.newKey(),
    alias: async (crn) => {
      const name = `alias-of-${idOf(crn)}`
      await kms.createAlias(manager, idOf(crn), name)
      return crn.replace(idOf(crn), name)
    },
    standardKey: () => service.newKey({ extractable: true }),
    expiringKey: async () => {
      const rootKeyCrn = await service.newKey({ expiresAt: service.now() + 60_000 })
      return { rootKeyCrn, expire: async () => service.passTime(60_000) }
    },
    newServiceInstance: service.newServiceInstance,
    authorize: service.authorize,
    revoke: service.revoke,
    disable: (crn) => kms.disableKey(manager, idOf(crn)),
    enable: (crn) => kms.enableKey(manager, idOf(crn)),
    remove: async (crn) => {
      await kms.deleteKey(manager, idOf(crn), { force: true })
    },
    rotate: (crn) => kms.rotateKey(manager, idOf(crn)),
    disconnect: service.disconnect,
    reconnect: service.reconnect,
    close: async () => {
      await service.close()
      await home[Symbol.asyncDispose]()
    },
  }
}

keyProviderSuite('key-protect over HTTP', () => open())
keyProviderSuite('key-protect over HTTPS with a custom CA', () => open(testCertificates()))
keyProviderSuite('key-protect over mutual TLS', () => open(testCertificates(), true))
