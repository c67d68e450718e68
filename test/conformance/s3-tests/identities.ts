import type { TestAccount } from '../../support/bootstrap.ts'

const account = (number: number, name: string, canonicalId: string, email: string): TestAccount => {
  const digits = `${number}`.padStart(2, '0')
  return {
    id: digits.repeat(16),
    name,
    canonicalId,
    objectStorageInstance: `00000000-0000-4000-8000-0000000000${digits}`,
    ...(number === 1 ? { keyProtectInstance: `00000000-0000-4000-9000-0000000000${digits}` } : {}),
    user: {
      iamId: `IBMid-suite-${digits}`,
      name,
      email,
      accessKeyId: `SUITEACCESSKEY${digits}`.padEnd(20, '0'),
      secretAccessKey: `suite-secret-access-key-${digits}`.padEnd(40, '0'),
      apiKey: `suite-api-key-${digits}`.padEnd(44, '0'),
    },
  }
}

/** Sections of s3tests.conf and the account that each speaks for. One account a section: S3 ownership is by account. */
export const SECTIONS: Readonly<Record<string, TestAccount>> = {
  's3 main': account(1, 'Main Tester', 'suite-main', 'main@suite.example'),
  's3 alt': account(2, 'Other Tester', 'suite-alt', 'alt@suite.example'),
  's3 tenant': account(3, 'Tenant Tester', 'suite-tenant', 'tenant@suite.example'),
  iam: account(4, 'IAM Tester', 'suite-iam', 'iam@suite.example'),
  'iam root': account(5, 'Root One', '05'.repeat(16), 'root-one@suite.example'),
  'iam alt root': account(6, 'Root Two', '06'.repeat(16), 'root-two@suite.example'),
}

/** Where the tests of users' policies want two users of one account: its Administrator, and a user of AWS's kind. */
export function sectionsOfUsers(user: Pick<TestAccount['user'], 'name' | 'accessKeyId' | 'secretAccessKey'>) {
  const { iam } = SECTIONS
  if (!iam) throw new Error('there is no section iam')
  const alt = { ...iam, canonicalId: user.name, user: { ...iam.user, ...user } }
  return { ...SECTIONS, 's3 main': iam, 's3 alt': alt }
}

/** Of the tests of identity providers, which have no TLS. */
export const HTTP_ISSUER = 'http://suite/example.com'

export interface SuiteServer {
  readonly port: number
  /** CRNs of two root keys, for the tests of encryption with a named key. */
  readonly rootKeys: readonly [string, string]
  /** Length of a day of the lifecycle. */
  readonly daySeconds: number
  /** Beside STANDARD. With any, many tests are run once for each. */
  readonly storageClasses?: readonly string[]
}

/** The suite's own configuration file. */
export function suiteConfig(
  { port, rootKeys, daySeconds, storageClasses = [] }: SuiteServer,
  accounts: Readonly<Record<string, TestAccount>> = SECTIONS,
): string {
  const sections: Record<string, Record<string, string>> = {
    DEFAULT: { host: '127.0.0.1', port: `${port}`, is_secure: 'False', ssl_verify: 'False' },
    fixtures: { 'bucket prefix': 'suite-{random}-', 'iam name prefix': 'suite-', 'iam path prefix': '/suite/' },
  }
  for (const [section, { canonicalId = '', user }] of Object.entries(accounts)) {
    sections[section] = {
      display_name: user.name,
      user_id: canonicalId,
      email: user.email,
      access_key: user.accessKeyId,
      secret_key: user.secretAccessKey,
    }
  }
  Object.assign(sections['s3 main'] ?? {}, {
    ...{ api_name: 'us-west-2', kms_keyid: rootKeys[0], kms_keyid2: rootKeys[1] },
    lc_debug_interval: `${daySeconds}`,
    ...(storageClasses.length > 0 ? { storage_classes: storageClasses.join(', ') } : {}),
  })
  // No tenant syntax in bucket names, as on AWS.
  Object.assign(sections['s3 tenant'] ?? {}, { tenant: '' })
  return Object.entries(sections)
    .map(([name, values]) =>
      [`[${name}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${value}`), ''].join('\n'),
    )
    .join('\n')
}
