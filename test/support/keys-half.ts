import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bootstrapOf, mainAccount, REGION, type TestAccount } from './bootstrap.ts'
import { createRootKey } from './control-api.ts'
import { type ServerProcess, type ServerProcessOptions, startServerProcess } from './server-process.ts'

/** Owner of the root key of buckets that name none; the accounts under test cannot take its authorizations away. */
const serviceAccount: TestAccount & { readonly keyProtectInstance: string } = {
  id: '99999999999999999999999999999999',
  name: 'service',
  objectStorageInstance: '99999999-0000-4000-8000-000000000001',
  keyProtectInstance: '99999999-0000-4000-8000-000000000002',
  user: {
    iamId: 'IBMid-service',
    name: 'Service user',
    email: 'service@example.com',
    accessKeyId: 'TESTSERVICEACCESSKEY',
    secretAccessKey: 'test-service-secret-access-key-0123456789a',
    apiKey: 'test-service-api-key-0123456789abcdef0123456',
  },
}

/** A process with Key Protect and IAM and no S3. */
export interface KeysHalf extends AsyncDisposable {
  readonly server: ServerProcess
  /** What an objects half needs to use its keys. */
  readonly settings: Readonly<Record<string, string>>
  /** Ends it, with SIGKILL, and starts it again at the same address. */
  readonly restart: (meanwhile?: () => Promise<void>) => Promise<void>
}

export interface KeysHalfOptions {
  /** Holds its data directory `keys-data`; used again after a stop. */
  readonly directory: string
  readonly accounts?: readonly TestAccount[]
  readonly settings?: Readonly<Record<string, string>>
  /** Where the objects half reaches it, when that is not directly. */
  readonly via?: (controlUrl: string) => Promise<string>
}

export async function startKeysHalf(options: KeysHalfOptions): Promise<KeysHalf> {
  const { directory, accounts = [mainAccount], settings = {}, via } = options
  const bootstrapFile = join(directory, 'keys-bootstrap.json')
  await writeFile(bootstrapFile, JSON.stringify(bootstrapWithService(accounts)), { mode: 0o600 })
  const apiKeys = join(directory, 'api-keys')
  const lines = accounts.map(({ id, user }) => `${id} ${user.apiKey}`)
  await writeFile(apiKeys, lines.join('\n'), { mode: 0o600 })
  const start: ServerProcessOptions = {
    dataDir: join(directory, 'keys-data'),
    bootstrapFile,
    settings: {
      COFFER_ONLY: 'kms',
      COFFER_LOG_LEVEL: 'warn',
      COFFER_KMS_ENABLE_DELAY_MS: '0',
      COFFER_KMS_RESTORE_DELAY_MS: '0',
      COFFER_KMS_ROTATE_INTERVAL_MS: '0',
      ...settings,
    },
  }
  let server = await startServerProcess(start)
  const { controlPort, controlUrl } = server
  return {
    get server() {
      return server
    },
    settings: {
      COFFER_ONLY: 's3',
      COFFER_S3_SERVICE_ROOT_KEY: await serviceRootKey(directory, controlUrl),
      COFFER_KEY_PROVIDERS_ELSEWHERE_TYPE: 'key-protect',
      COFFER_KEY_PROVIDERS_ELSEWHERE_URL: via ? await via(controlUrl) : controlUrl,
      COFFER_KEY_PROVIDERS_ELSEWHERE_API_KEYS_FILE: apiKeys,
    },
    restart: async (meanwhile = async () => {}) => {
      await server.kill()
      await meanwhile()
      server = await startServerProcess({ ...start, controlPort })
    },
    [Symbol.asyncDispose]: () => server.kill(),
  }
}

/** The accounts' own, and a root key of the service's account that every one of their instances may use. */
function bootstrapWithService(accounts: readonly TestAccount[]): object {
  const { accounts: declared, authorizations } = bootstrapOf([...accounts, serviceAccount])
  const target = { service: 'kms', instance: serviceAccount.keyProtectInstance }
  const ofService = accounts.map(({ objectStorageInstance: instance }) => ({
    source: { service: 'cloud-object-storage', instance },
    target,
    roles: ['Reader'],
  }))
  return { accounts: declared, authorizations: [...authorizations, ...ofService] }
}

/** Made at the first start and used again at the others. */
async function serviceRootKey(directory: string, controlUrl: string): Promise<string> {
  const path = join(directory, 'service-root-key')
  const known = await readFile(path, 'utf8').catch(() => undefined)
  if (known !== undefined) return known
  const { crn } = await createRootKey(controlUrl, `service key in ${REGION}`, serviceAccount)
  await writeFile(path, crn)
  return crn
}
