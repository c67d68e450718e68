import { stat, writeFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import { environmentName, flagName, SETTINGS, type Setting, type SettingName } from '../../src/server/settings.ts'
import { endedServer } from '../support/ended-server.ts'
import { startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const rootKeyCrn = (region: string): string =>
  `crn:v1:bluemix:public:kms:${region}:a/${'1'.repeat(32)}:11111111-0000-4000-8000-000000000002:key:11111111-0000-4000-8000-000000000003`

/** For every setting: three spellings of different good values with what they come to, and bad ones. */
const EXAMPLES: Readonly<
  Record<SettingName, { readonly good: readonly (readonly [string, unknown])[]; readonly bad: readonly string[] }>
> = {
  only: {
    good: [
      ['kms', 'kms'],
      ['kms', 'kms'],
      ['kms', 'kms'],
    ],
    bad: ['', 'keys', 'KMS', 'kms,s3'],
  },
  'limits.refused-sign-ins-per-minute': {
    good: [
      ['0', 0],
      ['1', 1],
      ['100000', 100_000],
    ],
    bad: ['', '-1', '1.5', 'many'],
  },
  'iam.oidc-networks': {
    good: [
      ['10.0.0.0/8', ['10.0.0.0/8']],
      ['10.1.2.3, fd00::/8', ['10.1.2.3', 'fd00::/8']],
      ['', []],
    ],
    bad: ['10.0.0.0/33', 'local', '10.0.0'],
  },
  'limits.requests-per-second': {
    good: [
      ['0', 0],
      ['1', 1],
      ['100000', 100_000],
    ],
    bad: ['', '-1', '1.5', 'many'],
  },
  console: {
    good: [
      ['true', true],
      ['false', false],
      ['true', true],
    ],
    bad: ['', 'no', '0'],
  },
  's3.public-url': {
    good: [
      ['https://s3.example.com', 'https://s3.example.com'],
      ['http://localhost:9000', 'http://localhost:9000'],
      ['http://[::1]:9000', 'http://[::1]:9000'],
    ],
    bad: ['', 's3.example.com', 'https://s3.example.com/', 'ftp://s3.example.com', 'https://'],
  },
  'control.public-url': {
    good: [
      ['https://coffer.example.com', 'https://coffer.example.com'],
      ['http://localhost:9001', 'http://localhost:9001'],
      ['http://[::1]:9001', 'http://[::1]:9001'],
    ],
    bad: ['', 'coffer.example.com', 'https://coffer.example.com/ui', 'ftp://coffer.example.com', 'https://'],
  },
  'console-oidc.issuer': {
    good: ['https://idp.example', 'https://idp.example/realms/a', 'http://localhost:8080'].map((url) => [url, url]),
    bad: ['', 'idp.example', 'ftp://idp.example', 'https://idp.example?a=b', 'https://idp.example#a'],
  },
  'console-oidc.client-id': { good: ['coffer', 'a b', '1'].map((id) => [id, id]), bad: [''] },
  'console-oidc.client-secret': { good: [], bad: [''] },
  'console-oidc.scopes': {
    good: [
      ['openid', ['openid']],
      ['openid, profile', ['openid', 'profile']],
      ['', []],
    ],
    bad: ['open id', 'a"b'],
  },
  'console-oidc.claim': { good: ['email', 'sub', 'preferred_username'].map((name) => [name, name]), bad: [''] },
  'console-oidc.account': {
    good: ['0', 'a', '1f'].map((digits) => digits.padEnd(32, '0')).map((id) => [id, id]),
    bad: ['', 'main', 'A'.repeat(32)],
  },
  'console-oidc.name': { good: ['SSO', 'Example Inc.', 'x'].map((name) => [name, name]), bad: ['', 'x'.repeat(41)] },
  'data-dir': {
    good: [
      ['/a', '/a'],
      ['b', 'b'],
      ['./c', './c'],
    ],
    bad: [''],
  },
  's3.bucket-defaults': {
    good: [
      ['aws', 'aws'],
      ['classic', 'classic'],
      ['aws', 'aws'],
    ],
    bad: ['', 'AWS', 'open'],
  },
  'tls.certificate-file': {
    good: [
      ['/a.pem', '/a.pem'],
      ['b', 'b'],
      ['c', 'c'],
    ],
    bad: [''],
  },
  'control.client-ca-file': {
    good: [
      ['/a.pem', '/a.pem'],
      ['b', 'b'],
      ['c', 'c'],
    ],
    bad: [''],
  },
  'tls.key-file': {
    good: [
      ['/a.pem', '/a.pem'],
      ['b', 'b'],
      ['c', 'c'],
    ],
    bad: [''],
  },
  's3.listen': {
    good: [
      ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
      ['[::1]:65535', { host: '::1', port: 65_535 }],
      ['localhost:0', { host: 'localhost', port: 0 }],
    ],
    bad: ['', '9000', ':9000', '::1:9000', '127.0.0.1:65536', '127.0.0.1:', 'http://127.0.0.1:9000', '127.0.0.1:90x'],
  },
  's3.domain': {
    good: [
      ['s3.local', ['s3.local']],
      ['S3.local, other.example ,', ['s3.local', 'other.example']],
      ['', []],
    ],
    bad: ['s3_local', '-s3.local', 'a b', 's3.local.', '*.s3.local', 'http://s3.local'],
  },
  's3.website-domain': {
    good: [
      ['web.local', ['web.local']],
      ['Web.local, www.example', ['web.local', 'www.example']],
      ['', []],
    ],
    bad: ['web_local', 'http://web.local'],
  },
  's3.region': {
    good: [
      ['us-south', 'us-south'],
      ['eu-de', 'eu-de'],
      ['x', 'x'],
    ],
    bad: ['', 'US', 'us south', 'a'.repeat(33)],
  },
  's3.threads': {
    good: [
      ['1', 1],
      ['2', 2],
      ['64', 64],
      ['auto', 'auto'],
    ],
    bad: ['0', '-1', '1.5', '65', 'two'],
  },
  's3.thread-idle-ms': {
    good: [
      ['1', 1],
      ['5000', 5000],
      ['60000', 60_000],
    ],
    bad: ['0', '-1', '1.5', 'soon'],
  },
  's3.max-connections': {
    good: [
      ['1', 1],
      ['64', 64],
      ['100000', 100_000],
    ],
    bad: ['0', '-1', '1.5', '', 'many'],
  },
  's3.service-root-key': {
    good: [rootKeyCrn('us-south'), rootKeyCrn('eu-de'), rootKeyCrn('jp-tok')].map((crn) => [crn, crn]),
    bad: ['', 'key', rootKeyCrn('us-south').replace(':kms:', ':iam:'), rootKeyCrn('x').replace(':key:', ':ring:')],
  },
  'control.listen': {
    good: [
      ['127.0.0.2:2', { host: '127.0.0.2', port: 2 }],
      ['[::]:3', { host: '::', port: 3 }],
      ['control:4', { host: 'control', port: 4 }],
    ],
    bad: ['', 'control', '9001', 'a:b:1'],
  },
  'bootstrap-file': {
    good: [
      ['/a.json', '/a.json'],
      ['b.json', 'b.json'],
      ['c', 'c'],
    ],
    bad: [''],
  },
  'instance-key-file': {
    good: [
      ['/a.key', '/a.key'],
      ['b.key', 'b.key'],
      ['c', 'c'],
    ],
    bad: [''],
  },
  'instance-passphrase': { good: [], bad: ['', 'too short'] },
  'disk.reserve-bytes': {
    good: [
      ['0', 0],
      ['1048576', 1_048_576],
      ['007', 7],
    ],
    bad: ['', '-1', '1.5', '1GB', '1e9', '99999999999999999999'],
  },
  'disk.warn-bytes': {
    good: [
      ['0', 0],
      ['1048576', 1_048_576],
      ['3221225472', 3_221_225_472],
    ],
    bad: ['', '-1', '1.5', '3GB'],
  },
  'audit.max-bytes': {
    good: [
      ['134217728', 134_217_728],
      ['1073741824', 1_073_741_824],
      ['99999999999', 99_999_999_999],
    ],
    bad: ['', '131071', '1GB', '-1'],
  },
  's3.customer-keys-over-http': {
    good: [
      ['true', true],
      ['false', false],
      ['true', true],
    ],
    bad: ['', 'yes', '1', 'TRUE'],
  },
  's3.wrap-limit': {
    good: [
      ['64', 64],
      ['1000000', 1_000_000],
      ['4294967296', 2 ** 32],
    ],
    bad: ['', '63', '4294967297', '-1', '1.5', '1e99', 'all'],
  },
  's3.key-check-interval-ms': {
    good: [
      ['1', 1],
      ['60000', 60_000],
      ['86400000', 86_400_000],
    ],
    bad: ['', '0', '-1', '1.5', '86400001', '5m'],
  },
  'rewrap.automatic': {
    good: [
      ['true', true],
      ['false', false],
      ['true', true],
    ],
    bad: ['', 'yes', '1'],
  },
  's3.access-log-interval-ms': {
    good: [
      ['1', 1],
      ['60000', 60_000],
      ['86400000', 86_400_000],
    ],
    bad: ['', '0', '-1', '86400001', 'soon'],
  },
  'iam.oidc-http-issuers': {
    good: [
      ['http://localhost:8080/realms/dev', ['http://localhost:8080/realms/dev']],
      ['http://a, http://b ', ['http://a', 'http://b']],
      ['', []],
    ],
    bad: ['https://idp.example', 'localhost:8080', 'http://', 'http://a,b'],
  },
  'iam.oidc-ca-file': {
    good: [
      ['/a.pem', '/a.pem'],
      ['b.pem', 'b.pem'],
      ['c', 'c'],
    ],
    bad: [''],
  },
  's3.nats-credentials': { good: [], bad: ['', 'a', 'a=user', 'a=:password', 'a=u:p,a=u:p', 'A=u:p'] },
  's3.nats-targets': {
    good: [
      ['jobs=nats://example.com/a.b', [{ name: 'jobs', host: 'example.com:4222', tls: false, subject: 'a.b' }]],
      ['a=tls://[::1]:1/s , ', [{ name: 'a', host: '[::1]:1', tls: true, subject: 's' }]],
      ['', []],
    ],
    bad: [
      ...['a', 'a=http://x/s', 'a=nats://x', 'a=nats://x/', 'a=nats://x/a.*', 'a=nats://x/a..b', 'a=nats://x/s?y=z'],
      ...['a=nats://u:p@x/s', 'a=nats:///s', 'a=nats://x/s,a=nats://y/s', 'A=nats://x/s'],
    ],
  },
  's3.replication-credentials': {
    good: [],
    bad: ['', 'dr', 'dr=key', 'dr=key:', '=key:secret', 'Dr=key:secret', 'a=k:s,a=k:s'],
  },
  's3.replication-targets': {
    good: [
      [
        'dr=https://s3.example.com:8443?region=eu-1&kind=coffer',
        [
          {
            name: 'dr',
            endpoint: 'https://s3.example.com:8443',
            region: 'eu-1',
            kind: 'coffer',
            sealed: false,
            accounts: [],
          },
        ],
      ],
      [
        `a=http://127.0.0.1:1/?bytes=sealed&account=${'1'.repeat(32)}&account=${'2'.repeat(32)} , b-2=http://[::1]`,
        [
          {
            ...{ name: 'a', endpoint: 'http://127.0.0.1:1', region: 'us-east-1', kind: 's3', sealed: true },
            accounts: ['1'.repeat(32), '2'.repeat(32)],
          },
          { name: 'b-2', endpoint: 'http://[::1]', region: 'us-east-1', kind: 's3', sealed: false, accounts: [] },
        ],
      ],
      ['', []],
    ],
    bad: [
      ...[
        'dr',
        'https://example.com',
        'Dr=https://x',
        'a=ftp://x',
        'a=http://',
        'a=http://x,a=http://y',
        'a=http://x/y',
      ],
      ...[
        'a=http://x?kind=minio',
        'a=http://x?bytes=clear',
        'a=http://x?account=1',
        'a=http://x?bucket=b',
        'a=http://u:p@x',
        'a=http://x?region=a b',
      ],
    ],
  },
  's3.webhook-token': { good: [], bad: [''] },
  's3.webhooks': {
    good: [
      ['orders=https://example.com/a?b=c', [{ name: 'orders', url: 'https://example.com/a?b=c' }]],
      [
        'a=http://127.0.0.1:1/ , b-2=http://[::1]/x',
        [
          { name: 'a', url: 'http://127.0.0.1:1/' },
          { name: 'b-2', url: 'http://[::1]/x' },
        ],
      ],
      ['', []],
    ],
    bad: ['orders', 'https://example.com', 'Orders=https://x', 'a=ftp://x', 'a=http://', 'a=http://x,a=http://y'],
  },
  'storage-classes': {
    good: [
      ['STANDARD_IA=/mnt/ia', [{ name: 'STANDARD_IA', directory: '/mnt/ia' }]],
      [
        ' COLD=./cold , GLACIER_IR=g=1',
        [
          { name: 'COLD', directory: './cold' },
          { name: 'GLACIER_IR', directory: 'g=1' },
        ],
      ],
      ['', []],
    ],
    bad: ['COLD', 'cold=/mnt', '=/mnt', 'COLD=', 'STANDARD=/mnt', 'A=/mnt,A=/other', 'A=/mnt,B=/mnt'],
  },
  'lifecycle.day-seconds': {
    good: [
      ['86400', 86_400],
      ['1', 1],
      ['10', 10],
    ],
    bad: ['', '0', '-1', '1.5', '86401', 'a day'],
  },
  'lifecycle.per-second': {
    good: [
      ['0', 0],
      ['1', 1],
      ['10000', 10_000],
    ],
    bad: ['', '-1', '1.5', 'all'],
  },
  'scrub.interval-ms': {
    good: [
      ['0', 0],
      ['1', 1],
      ['2592000000', 2_592_000_000],
    ],
    bad: ['', '-1', '1.5', 'daily'],
  },
  'scrub.mib-per-second': {
    good: [
      ['0', 0],
      ['1', 1],
      ['500', 500],
    ],
    bad: ['', '-1', '1.5', 'all'],
  },
  'rewrap.per-second': {
    good: [
      ['0', 0],
      ['1', 1],
      ['10000', 10_000],
    ],
    bad: ['', '-1', '1.5', 'all'],
  },
  'audit.file-bytes': {
    good: [
      ['65536', 65_536],
      ['1000000', 1_000_000],
      ['67108864', 67_108_864],
    ],
    bad: ['', '65535', '64MB', '-1'],
  },
  'accept-metadata-loss': {
    good: [
      ['true', true],
      ['false', false],
      ['true', true],
    ],
    bad: ['', '1', 'yes'],
  },
  'kms.enable-delay-ms': {
    good: [
      ['0', 0],
      ['1', 1],
      ['30000', 30_000],
    ],
    bad: ['', '-1', '30s'],
  },
  'kms.restore-delay-ms': {
    good: [
      ['0', 0],
      ['1', 1],
      ['30000', 30_000],
    ],
    bad: ['', '-1', '30s'],
  },
  'kms.rotate-interval-ms': {
    good: [
      ['0', 0],
      ['1', 1],
      ['30000', 30_000],
    ],
    bad: ['', '-1', '1h'],
  },
  'kms.restore-window-ms': {
    good: [
      ['0', 0],
      ['1', 1],
      ['30000', 30_000],
    ],
    bad: ['', '-1', '30d'],
  },
  'kms.purge-delay-ms': {
    good: [
      ['0', 0],
      ['1', 1],
      ['30000', 30_000],
    ],
    bad: ['', '-1', '30d'],
  },
  'kms.purge-after-ms': {
    good: [
      ['0', 0],
      ['1', 1],
      ['30000', 30_000],
    ],
    bad: ['', '-1', '30d'],
  },
  'kms.dual-auth-window-ms': {
    good: [
      ['0', 0],
      ['1', 1],
      ['30000', 30_000],
    ],
    bad: ['', '-1', '30d'],
  },
  'kms.rotation-month-ms': {
    good: [
      ['1', 1],
      ['2', 2],
      ['30000', 30_000],
    ],
    bad: ['', '0', '-1', '30d'],
  },
  'kms.sync-interval-ms': {
    good: [
      ['0', 0],
      ['1', 1],
      ['30000', 30_000],
    ],
    bad: ['', '-1', '30d'],
  },
  'kms.sweep-interval-ms': {
    good: [
      ['1', 1],
      ['2', 2],
      ['30000', 30_000],
    ],
    bad: ['', '0', '-1', '30d', '86400001'],
  },
  'kms.private-networks': {
    good: [
      ['10.0.0.0/8', ['10.0.0.0/8']],
      ['::1, 192.0.2.7 ,', ['::1', '192.0.2.7']],
      ['', []],
    ],
    bad: ['10.0.0.0/33', 'example.com', '10.0.0/8', '::/129', '10.0.0.0/8/8'],
  },
  'kms.network-policies-for-services': {
    good: [
      ['true', true],
      ['false', false],
      ['true', true],
    ],
    bad: ['', '1', 'yes'],
  },
  'kms.network-policies': {
    good: [
      ['true', true],
      ['false', false],
      ['true', true],
    ],
    bad: ['', '1', 'yes'],
  },
  'trusted-proxies': {
    good: [
      ['10.0.0.0/8', ['10.0.0.0/8']],
      ['::1, 192.0.2.7 ,', ['::1', '192.0.2.7']],
      ['', []],
    ],
    bad: ['10.0.0.0/33', 'example.com', '10.0.0/8', '::/129', '10.0.0.0/8/8'],
  },
  'iam.issuer': {
    good: [
      ['https://a', 'https://a'],
      ['b', 'b'],
      ['c', 'c'],
    ],
    bad: [''],
  },
  'iam.operator-account': {
    good: ['0', 'a', '1f'].map((digits) => digits.repeat(32).slice(0, 32)).map((id) => [id, id]),
    bad: ['', 'main', 'A'.repeat(32), 'a'.repeat(31)],
  },
  'iam.token-life-ms': {
    good: [
      ['60000', 60_000],
      ['3600000', 3_600_000],
      ['86400000', 86_400_000],
    ],
    bad: ['', '0', '59999', '86400001', '1h'],
  },
  'iam.refresh-token-life-ms': {
    good: [
      ['60000', 60_000],
      ['86400000', 86_400_000],
      ['2592000000', 2_592_000_000],
    ],
    bad: ['', '0', '59999', '30d'],
  },
  'iam.signing-key-max-age-ms': {
    good: [
      ['3600000', 3_600_000],
      ['86400000', 86_400_000],
      ['7776000000', 7_776_000_000],
    ],
    bad: ['', '0', '3599999', '90d'],
  },
  'iam.signing-key-lead-ms': {
    good: [
      ['60000', 60_000],
      ['3600000', 3_600_000],
      ['172800000', 172_800_000],
    ],
    bad: ['', '0', '59999', '1d'],
  },
  'drain-ms': {
    good: [
      ['0', 0],
      ['1000', 1000],
      ['86400000', 86_400_000],
    ],
    bad: ['', '-1', '25s', '86400001'],
  },
  'log.level': {
    good: [
      ['debug', 'debug'],
      ['error', 'error'],
      ['silent', 'silent'],
    ],
    bad: ['', 'verbose', 'INFO'],
  },
}

const table = Object.entries(EXAMPLES).filter(
  (entry): entry is [SettingName, (typeof EXAMPLES)[SettingName]] => entry[0] in SETTINGS,
)
const all: Readonly<Record<string, Setting>> = SETTINGS
const NONE = ['', undefined] as const
const SECRET = 'correct horse battery staple'

let home: TemporaryDirectory
beforeEach(async () => {
  home = await temporaryDirectory()
  return () => home[Symbol.asyncDispose]()
})

/** A TOML file of its own with one setting, in the table its name says. */
async function toml(name: string, value: string): Promise<string> {
  const [table, member] = name.includes('.') ? name.split('.') : [undefined, name]
  const path = home.join('coffer.toml')
  await writeFile(path, `${table ? `[${table}]\n` : ''}${member} = ${JSON.stringify(value)}\n`, { mode: 0o600 })
  return path
}

const OIDC = {
  ...{ COFFER_CONSOLE_OIDC_ISSUER: 'https://idp.example', COFFER_CONSOLE_OIDC_CLIENT_ID: 'coffer' },
  ...{ COFFER_CONTROL_PUBLIC_URL: 'https://coffer.example.com', COFFER_IAM_OIDC_HTTP_ISSUERS: 'http://localhost:8080' },
}

/** Without which the example of another setting would be refused. */
const companionsOf = (name: SettingName): Readonly<Record<string, string>> => ({
  ...(name === 's3.replication-targets' ? { COFFER_S3_REPLICATION_CREDENTIALS: 'dr=k:s,a=k:s,b-2=k:s' } : {}),
  ...(name === 'control.client-ca-file'
    ? { COFFER_TLS_CERTIFICATE_FILE: 'certificate.pem', COFFER_TLS_KEY_FILE: 'key.pem' }
    : {}),
  ...(name === 'tls.certificate-file' ? { COFFER_TLS_KEY_FILE: 'key.pem' } : {}),
  ...(name === 'console-oidc.issuer' || name === 'console-oidc.client-id' ? OIDC : {}),
  ...(name === 'tls.key-file' ? { COFFER_TLS_CERTIFICATE_FILE: 'certificate.pem' } : {}),
})

describe('settings', () => {
  it('all have examples here and a line in --help', async () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual(Object.keys(SETTINGS).sort())
    const { exitCode, output } = await endedServer({}, ['serve', '--help'])
    expect(exitCode).toBe(0)
    for (const [name, setting] of Object.entries(all)) {
      expect(output).toContain(environmentName(name))
      expect(output).toContain(setting.help)
      expect(output.includes(`${flagName(name)} `)).toBe(setting.secret !== true)
    }
    expect(output).toContain('COFFER_CONFIG_FILE')
  })

  it.each(table.filter(([, { good }]) => good.length > 0))(
    '%s: flag wins over environment, environment over file, file over the default',
    async (name, { good }) => {
      const [[inFile, ofFile] = NONE, [inEnvironment, ofEnvironment] = NONE, [asFlag, ofFlag] = NONE] = good
      const path = await toml(name, inFile)
      const companions = companionsOf(name)
      const environment = { ...companions, [environmentName(name)]: inEnvironment }
      expect(readConfig([], {})[name]).toEqual(all[name]?.default)
      const { [environmentName(name)]: _, ...others } = companions
      expect(readConfig(['--config-file', path], others)[name]).toEqual(ofFile)
      expect(readConfig([], { ...others, COFFER_CONFIG_FILE: path })[name]).toEqual(ofFile)
      expect(readConfig(['--config-file', path], environment)[name]).toEqual(ofEnvironment)
      expect(readConfig([flagName(name), asFlag], { ...environment, COFFER_CONFIG_FILE: path })[name]).toEqual(ofFlag)
      expect(readConfig([`${flagName(name)}=${asFlag}`], environment)[name]).toEqual(ofFlag)
    },
  )

  it.each(table)(
    '%s: a bad value is refused wherever it stands, naming the place and what to give',
    async (name, { bad }) => {
      for (const value of bad) {
        const path = await toml(name, value)
        const ways: readonly (readonly [readonly string[], Readonly<Record<string, string>>, string])[] = [
          ...(all[name]?.secret ? [] : [[[`${flagName(name)}=${value}`], {}, flagName(name)] as const]),
          [[], { [environmentName(name)]: value }, environmentName(name)],
          [[], { COFFER_CONFIG_FILE: path }, `${name} in ${path}`],
        ]
        for (const [flags, environment, place] of ways) {
          const error = refusal(flags, environment)
          expect(error).toContain(place)
          expect(error).toMatch(
            /give |must not be empty|is not a domain name|is not an address|expected one of|Too big/,
          )
          expect(error).toContain(all[name]?.help)
        }
      }
    },
  )

  it('have an identity provider of the console with all that it needs', () => {
    for (const name of Object.keys(OIDC)) {
      const others = Object.fromEntries(Object.entries(OIDC).filter(([one]) => one !== name))
      const issuer =
        name === 'COFFER_IAM_OIDC_HTTP_ISSUERS' ? { COFFER_CONSOLE_OIDC_ISSUER: 'http://localhost:8080' } : {}
      expect(refusal([], { ...others, ...issuer })).toContain(name)
    }
    expect(readConfig([], OIDC)['console-oidc.client-id']).toBe('coffer')
  })

  it('let no two targets of notifications have one name', () => {
    const both = { COFFER_S3_WEBHOOKS: 'a=http://x', COFFER_S3_NATS_TARGETS: 'a=nats://x/s' }
    expect(refusal([], both)).toContain('COFFER_S3_WEBHOOKS and COFFER_S3_NATS_TARGETS both have a')
    const login = readConfig([], { COFFER_S3_NATS_CREDENTIALS: 'a=user:pass:word' })['s3.nats-credentials']?.get('a')
    expect([login?.user, login?.password.reveal()]).toEqual(['user', 'pass:word'])
  })

  it('ask for the credentials of every replication target', async () => {
    const targets = { COFFER_S3_REPLICATION_TARGETS: 'dr=http://a,other=http://b' }
    expect(refusal([], { ...targets, COFFER_S3_REPLICATION_CREDENTIALS: 'dr=key:secret' })).toContain(
      'the replication target other has no credentials',
    )
    const both = { ...targets, COFFER_S3_REPLICATION_CREDENTIALS: 'dr=key:top:secret, other=other:another' }
    const credentials = readConfig([], both)['s3.replication-credentials']
    expect(credentials?.get('dr')?.accessKeyId).toBe('key')
    expect(credentials?.get('dr')?.secretAccessKey.reveal()).toBe('top:secret')
    expect(inspect(credentials)).not.toContain('top:secret')
  })

  it('take numbers and lists of a TOML file as such, and refuse other types', async () => {
    const path = home.join('coffer.toml')
    await writeFile(path, 'drain-ms = 5\n[s3]\ndomain = ["a.example", "b.example"]\n[disk]\nreserve-bytes = 7\n')
    expect(readConfig(['--config-file', path], {})).toMatchObject({
      'drain-ms': 5,
      's3.domain': ['a.example', 'b.example'],
      'disk.reserve-bytes': 7,
    })
    for (const wrong of [
      'drain-ms = true',
      'drain-ms = 1.5',
      'drain-ms = 2026-01-01',
      'data-dir = 5',
      '[s3]\nlisten = 9000',
      '[s3]\ndomain = [1]',
      '[s3]\nregion = []',
    ]) {
      await writeFile(path, wrong)
      expect(refusal(['--config-file', path], {})).toMatch(/give /)
    }
  })

  it.each([
    ['COFFER_S3_PORT', 'COFFER_S3_LISTEN'],
    ['COFFER_PORT', 'COFFER_S3_LISTEN or COFFER_CONTROL_LISTEN'],
    ['COFFER_DATA', 'COFFER_DATA_DIR'],
    ['COFFER_TLS_CERT_FILE', 'COFFER_TLS_CERTIFICATE_FILE'],
    ['COFFER_CONTROL_URL', 'COFFER_CONTROL_PUBLIC_URL'],
    ['COFFER_KEY_PROVIDERS_HQ_URI', 'COFFER_KEY_PROVIDERS_HQ_URL'],
    ['COFFER_KEY_PROVIDERS_HQ', 'COFFER_KEY_PROVIDERS_HQ_<MEMBER>, with one of TYPE, '],
    ['COFFER_PROVIDER_URL', 'COFFER_KEY_PROVIDERS_<NAME>_<MEMBER>'],
  ])('that do not exist are refused with what was meant by %s', (variable, meant) => {
    expect(refusal([], { [variable]: 'x' })).toContain(`${variable} is not a setting. Did you mean ${meant}`)
  })

  it('that do not exist are refused in each source with the nearest one that does', async () => {
    const path = home.join('coffer.toml')
    await writeFile(path, '[s3]\nlissen = "127.0.0.1:1"\n')
    expect(refusal(['--s3-lissen', '127.0.0.1:1'], {})).toBe('--s3-lissen is not a setting. Did you mean --s3-listen?')
    expect(refusal([], { COFFER_S3_LISSEN: '127.0.0.1:1' })).toBe(
      'COFFER_S3_LISSEN is not a setting. Did you mean COFFER_S3_LISTEN?',
    )
    expect(refusal(['--config-file', path], {})).toBe(`s3.lissen in ${path} is not a setting. Did you mean s3.listen?`)
    expect(refusal(['start'], {})).toMatch(/start is not a setting/)
    expect(refusal([], { COFFER_XYZZY_PLUGH: '1' })).toMatch(/See coffer serve --help/)
    for (const [variable, meant] of [
      ['COFFER_INSTANCE_PASSFRASE_FILE', 'COFFER_INSTANCE_PASSPHRASE_FILE'],
      ['COFFER_KEY_PROVIDERS_HQ_URI', 'COFFER_KEY_PROVIDERS_HQ_URL'],
      ['COFFER_PROFIL', 'COFFER_PROFILE'],
    ]) {
      expect(refusal([], { [variable ?? '']: '1' })).toBe(`${variable} is not a setting. Did you mean ${meant}?`)
    }
    // Only secrets have a _FILE form.
    expect(refusal([], { COFFER_DATA_DIR_FILE: '/x' })).toMatch(/COFFER_DATA_DIR_FILE is not a setting/)
    for (const name of ['__proto__', 'constructor', 'toString']) {
      await writeFile(path, `"${name}" = "x"\n`)
      expect(() => readConfig(['--config-file', path], {})).toThrow(/is not a setting|is not TOML/)
    }
  })

  it('that need a value are refused without one', () => {
    expect(refusal(['--data-dir'], {})).toMatch(/--data-dir needs a value/)
    expect(refusal(['--data-dir', '--s3-region=x'], {})).toMatch(/--data-dir needs a value/)
  })

  it('from a file that is missing, or is not TOML, are an error that quotes nothing of it', async () => {
    expect(refusal(['--config-file', home.join('none.toml')], {})).toMatch(/none\.toml cannot be read \(ENOENT/)
    const path = home.join('coffer.toml')
    await writeFile(path, `drain-ms = 5\ninstance-passphrase = ${SECRET}\n`, { mode: 0o600 })
    const error = refusal(['--config-file', path], {})
    expect(error).toMatch(/is not TOML at line 2, column \d+/)
    expect(error).not.toContain('horse')
  })

  it('leave what the welcome tells users to export alone', () => {
    expect(() => readConfig([], { COFFER_CONTROL: 'http://127.0.0.1:9001', AWS_REGION: 'x' })).not.toThrow()
  })
})

describe('a secret setting', () => {
  it('comes from the environment, from a file that it names or from a private TOML file', async () => {
    const file = home.join('passphrase')
    await writeFile(file, `${SECRET}\n`, { mode: 0o600 })
    const path = await toml('instance-passphrase', SECRET)
    for (const environment of [
      { COFFER_INSTANCE_PASSPHRASE: SECRET },
      { COFFER_INSTANCE_PASSPHRASE_FILE: file },
      { COFFER_CONFIG_FILE: path },
    ]) {
      expect(readConfig([], environment)['instance-passphrase']?.reveal()).toBe(SECRET)
    }
  })

  it('is refused on the command line, twice, from a file that others may read and from one that is not there', async () => {
    expect(refusal([`--instance-passphrase=${SECRET}`], {})).toMatch(/COFFER_INSTANCE_PASSPHRASE_FILE/)
    expect(refusal(['--instance-passphrase', SECRET], {})).not.toContain('horse')
    const shared = home.join('passphrase')
    await writeFile(shared, SECRET, { mode: 0o644 })
    expect(refusal([], { COFFER_INSTANCE_PASSPHRASE_FILE: shared })).toMatch(/chmod 600/)
    expect(refusal([], { COFFER_INSTANCE_PASSPHRASE_FILE: home.join('none') })).toMatch(
      /COFFER_INSTANCE_PASSPHRASE_FILE.*cannot be read/,
    )
    expect(refusal([], { COFFER_INSTANCE_PASSPHRASE_FILE: '/any', COFFER_INSTANCE_PASSPHRASE: SECRET })).toMatch(
      /exclude each other/,
    )
    const open = home.join('open.toml')
    await writeFile(open, `instance-passphrase = "${SECRET}"`, { mode: 0o644 })
    expect(refusal([], { COFFER_CONFIG_FILE: open })).toMatch(/chmod 600/)
    expect(refusal([], { COFFER_INSTANCE_PASSPHRASE: SECRET, COFFER_INSTANCE_KEY_FILE: '/k' })).toMatch(
      /exclude each other/,
    )
  })

  it('is shown by nothing that prints a config', () => {
    const config = readConfig([], { COFFER_INSTANCE_PASSPHRASE: SECRET })
    const shown = [
      inspect(config, { depth: 9, showHidden: true }),
      JSON.stringify(config),
      String(config['instance-passphrase']),
      `${Object.values(config)}`,
    ]
    for (const text of shown) expect(text).not.toContain('horse')
    expect(shown[0]).toContain('[secret]')
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('is not repeated when its value is refused', () => {
    expect(refusal([], { COFFER_INSTANCE_PASSPHRASE: 'short pass' })).toMatch(
      /is \[secret\]: give at least 12 characters/,
    )
  })
})

describe('a server process', () => {
  it('ends with 9 and one line, before it touches anything, for an unknown setting or a bad value from each source', async () => {
    const dataDir = home.join('data')
    const path = await toml('s3.lissen', '127.0.0.1:1')
    const attempts = await Promise.all([
      endedServer({ COFFER_DATA_DIR: dataDir }, ['--s3-lissen=127.0.0.1:1']),
      endedServer({ COFFER_DATA_DIR: dataDir, COFFER_S3_LISSEN: '127.0.0.1:1' }),
      endedServer({ COFFER_DATA_DIR: dataDir, COFFER_CONFIG_FILE: path }),
      endedServer({ COFFER_DATA_DIR: dataDir, COFFER_S3_LISTEN: 'nowhere' }),
      endedServer({ COFFER_DATA_DIR: path }),
    ])
    for (const { exitCode, output } of attempts) {
      expect(exitCode).toBe(9)
      expect(output).toMatch(/^✕ [^\n]+ {2}\[ConfigInvalid\]\n$/)
      expect(output).toMatch(/Did you mean|give /)
    }
    await expect(stat(dataDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('takes its settings from flags, environment and file together', async () => {
    const path = home.join('coffer.toml')
    await writeFile(path, `data-dir = "${home.join('wrong')}"\n[log]\nlevel = "silent"\n[s3]\nregion = "eu-de"\n`)
    await using server = await startServerProcess({
      dataDir: home.join('data'),
      flags: ['serve', '--config-file', path, '--s3-region=us-south'],
    })
    expect(server.output()).toContain('export AWS_REGION=us-south')
    expect(server.output()).toContain(home.join('data.key'))
    expect(server.output()).not.toContain('{"level"')
  })
})

it('a host is a bucket or a website, and not both', () => {
  const domains = { COFFER_S3_DOMAIN: 'a.test,b.test' }
  expect(refusal([], { ...domains, COFFER_S3_WEBSITE_DOMAIN: 'b.test' })).toMatch(/both have b\.test/)
  expect(readConfig([], { ...domains, COFFER_S3_WEBSITE_DOMAIN: 'web.a.test' })).toMatchObject({
    's3.website-domain': ['web.a.test'],
  })
})

function refusal(flags: readonly string[], environment: Readonly<Record<string, string>>): string {
  try {
    readConfig(flags, environment)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ConfigInvalid' })
    return error instanceof Error ? error.message : ''
  }
  throw new Error(`taken: ${flags.join(' ')} ${JSON.stringify(environment)}`)
}
