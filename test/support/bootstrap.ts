import { writeFile } from 'node:fs/promises'

/** One account of a bootstrap file with one user, in the shape that COFFER_BOOTSTRAP_FILE takes. */
export interface TestAccount {
  readonly id: string
  readonly name: string
  readonly canonicalId?: string
  readonly objectStorageInstance: string
  /** Left out: the account has no Key Protect instance. */
  readonly keyProtectInstance?: string
  readonly user: {
    readonly iamId: string
    readonly name: string
    readonly email: string
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly apiKey: string
  }
}

export const REGION = 'us-south'

/** The account that black-box tests act in. Its objects may be sealed under its root keys: see `bootstrapOf`. */
export const mainAccount: TestAccount & { readonly keyProtectInstance: string } = {
  id: '11111111111111111111111111111111',
  name: 'main',
  objectStorageInstance: '11111111-0000-4000-8000-000000000001',
  keyProtectInstance: '11111111-0000-4000-8000-000000000002',
  user: {
    iamId: 'IBMid-main',
    name: 'Main user',
    email: 'main@example.com',
    accessKeyId: 'TESTMAINACCESSKEY001',
    secretAccessKey: 'test-main-secret-access-key-0123456789abcd',
    apiKey: 'test-main-api-key-0123456789abcdef0123456789',
  },
}

export const objectStorageCrn = (account: TestAccount): string =>
  `crn:v1:bluemix:public:cloud-object-storage:global:a/${account.id}:${account.objectStorageInstance}::`

interface BootstrapDocument {
  readonly accounts: readonly object[]
  readonly authorizations: readonly object[]
}

/** The content of a bootstrap file. Every object storage instance may use the keys of its own account's Key Protect instance. */
export function bootstrapOf(accounts: readonly TestAccount[]): BootstrapDocument {
  return {
    accounts: accounts.map(({ id, name, canonicalId, objectStorageInstance, keyProtectInstance, user }) => ({
      id,
      name,
      ...(canonicalId === undefined ? {} : { canonicalId }),
      instances: [
        { service: 'cloud-object-storage', id: objectStorageInstance, name: 'objects' },
        ...(keyProtectInstance === undefined
          ? []
          : [{ service: 'kms', id: keyProtectInstance, name: 'keys', region: REGION }]),
      ],
      users: [
        {
          iamId: user.iamId,
          name: user.name,
          email: user.email,
          hmac: [{ accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey }],
          apiKeys: [user.apiKey],
        },
      ],
    })),
    authorizations: accounts.flatMap(({ objectStorageInstance, keyProtectInstance }) =>
      keyProtectInstance === undefined
        ? []
        : [
            {
              source: { service: 'cloud-object-storage', instance: objectStorageInstance },
              target: { service: 'kms', instance: keyProtectInstance },
              roles: ['Reader'],
            },
          ],
    ),
  }
}

export async function writeBootstrapFile(path: string, accounts: readonly TestAccount[]): Promise<string> {
  await writeFile(path, JSON.stringify(bootstrapOf(accounts), undefined, 2), { mode: 0o600 })
  return path
}
