import { z } from 'zod'
import { DEFAULT_LIMITS } from '../api/common/throttle.ts'
import { BUCKET_DEFAULTS } from '../api/s3/access/new-bucket.ts'
import { parseCrn } from '../base/crn.ts'
import { isUuid } from '../base/ids.ts'
import { isNetworkOrAddress } from '../base/networks.ts'
import { Secret } from '../base/secret.ts'
import { RANDOM_NONCE_LIMIT } from '../envelope/wrap-budget.ts'
import {
  DEFAULT_SIGNING_KEY_SETTINGS,
  DEFAULT_TOKEN_SETTINGS,
  MAX_TOKEN_LIFE_MS,
  MIN_TOKEN_LIFE_MS,
} from '../iam/token-settings.ts'
import { DEFAULT_KMS_SETTINGS } from '../kms/settings.ts'
import { DEFAULT_ACCESS_LOGS } from '../objects/access-logs.ts'
import { CALENDAR_DAY_MS } from '../objects/lifecycle/due.ts'
import { DEFAULT_LIFECYCLE } from '../objects/lifecycle/lifecycle.ts'
import { DEFAULT_REWRAP } from '../objects/rewraps.ts'
import { DEFAULT_SCRUB } from '../objects/verify/scrub.ts'
import type { DeclaredProvider } from './declared-providers.ts'
import { listOf } from './list-setting.ts'
import { type NatsCredentials, natsCredentials, natsTarget } from './notifications/nats-target.ts'
import type { Webhook } from './notifications/webhooks.ts'
import { declaredCredentials, declaredTarget, type TargetCredentials } from './replication/declared-targets.ts'
import type { StorageClass } from './storage-classes.ts'

/** One setting: its name (`s3.listen`) makes the flag, the environment variable and the place in the TOML file. */
export interface Setting<Schema extends z.ZodType = z.ZodType, Default = unknown> {
  readonly schema: Schema
  readonly default: Default
  readonly help: string
  /** Also readable from a file: `COFFER_…_FILE`. Never shown. */
  readonly secret?: true
}

function setting<Schema extends z.ZodType, Default extends z.output<Schema> | undefined>(
  schema: Schema,
  fallback: Default,
  help: string,
  options: { readonly secret?: true } = {},
): Setting<Schema, Default> {
  return { schema, default: fallback, help, ...options }
}

export interface Address {
  readonly host: string
  readonly port: number
}

const ADDRESS_HINT = 'give host:port, for example 127.0.0.1:9000 or [::]:9000'
const address = z.string(ADDRESS_HINT).transform((text, context): Address => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || !(port <= 65_535)) {
    context.addIssue({ code: 'custom', message: ADDRESS_HINT })
    return z.NEVER
  }
  return { host, port }
})

const count = z
  .union([z.number(), z.string().regex(/^\d+$/).transform(Number)], 'give a whole number')
  .pipe(z.int('give a whole number').min(0, 'give a whole number of at least 0'))
const atLeastOne = count.pipe(z.int().min(1, 'give at least 1'))
const yesOrNo = z.union(
  [z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')],
  'give true or false',
)
const text = z.string('give a text').min(1, 'must not be empty')
const domains = listOf(
  'names',
  (one) => (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(one) ? one.toLowerCase() : undefined),
  (one) => `${one.toLowerCase()} is not a domain name`,
)

const accountId = z
  .string('give an account id')
  .regex(/^[0-9a-f]{32}$/, 'give the id of an account: 32 lower-case hex digits')

/** A URL of a listener: its paths are its own. */
const origin = (example: string) =>
  z
    .string('give a URL')
    .refine(
      (given) => /^https?:\/\/[^/?#]+$/.test(given) && URL.canParse(given),
      `give a URL without a path, like ${example}`,
    )

const rootKey = z
  .string('give the CRN of a root key')
  .refine(
    isRootKeyCrn,
    'give the CRN of a root key: crn:v1:bluemix:public:kms:<region>:a/<account>:<instance>:key:<id>',
  )

const webhookList = listOf(
  'webhooks',
  (one): Webhook | undefined => {
    const [, name, url] = /^([a-z][a-z0-9-]{0,31})=(https?:\/\/.+)$/.exec(one) ?? []
    return name !== undefined && url !== undefined && URL.canParse(url) ? { name, url } : undefined
  },
  (one) => `${one} is not a webhook: give ones like orders=https://example.com/events`,
  { kind: 'webhook', by: ['name'] },
)

const natsTargets = listOf(
  'NATS subjects',
  natsTarget,
  (one) => `${one} is not a subject of a NATS server: give ones like jobs=nats://example.com:4222/events.jobs`,
  { kind: 'NATS subject', by: ['name'] },
)

const natsLogins = z.string('give a text').transform((text, context): ReadonlyMap<string, NatsCredentials> => {
  const credentials = natsCredentials(text)
  if (credentials) return credentials
  context.addIssue({ code: 'custom', message: 'give logins as name=user:password, separated by commas' })
  return z.NEVER
})

const httpIssuers = listOf(
  'URLs',
  (one) => (one.startsWith('http://') && URL.canParse(one) ? one : undefined),
  (one) => `${one} is none: give URLs that begin with http://`,
)

const replicationTargets = listOf(
  'targets',
  declaredTarget,
  (one) => `${one} is not a replication target: give ones like dr=https://s3.example.com?region=eu-central-1`,
  { kind: 'replication target', by: ['name'] },
)

const replicationCredentials = z
  .string('give a text')
  .transform((text, context): ReadonlyMap<string, TargetCredentials> => {
    const credentials = declaredCredentials(text)
    if (credentials) return credentials
    const message = 'give the credentials of each target as name=access-key-id:secret-access-key, separated by commas'
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const STORAGE_CLASS = /^([A-Z][A-Z0-9_]{0,63})=(.+)$/
const storageClasses = listOf(
  'classes',
  (one): StorageClass | undefined => {
    const [, name, directory] = STORAGE_CLASS.exec(one) ?? []
    return name !== undefined && directory !== undefined && name !== 'STANDARD' ? { name, directory } : undefined
  },
  (one) => `${one} is not a storage class with its directory: give ones like STANDARD_IA=/mnt/slow`,
  { kind: 'storage class', by: ['name', 'directory'] },
)

/** Room for a few hundred events. */
const MIN_AUDIT_FILE_BYTES = 65_536

const networks = listOf(
  'networks',
  (one) => (isNetworkOrAddress(one) ? one : undefined),
  (one) => `${one} is not an address or a network: give ones like 10.0.0.0/8`,
)

const passphrase = z
  .string('give a text')
  .refine((given) => [...given].length >= 12, 'give at least 12 characters')
  .transform((given) => new Secret(given))

function isRootKeyCrn(text: string): boolean {
  try {
    const { service, resourceType, resource } = parseCrn(text)
    return service === 'kms' && resourceType === 'key' && isUuid(resource)
  } catch {
    return false
  }
}

/** Every setting there is, but for the tables of key providers: see declared-providers.ts. */
export const SETTINGS = {
  only: setting(
    z.enum(['kms', 's3']),
    undefined,
    'half that this process is: kms (Key Protect and IAM) or s3 (objects, under the keys of a key provider elsewhere). Default: both',
  ),
  'limits.refused-sign-ins-per-minute': setting(
    count,
    DEFAULT_LIMITS.refusedSignInsPerMinute,
    'so many sign-ins and signatures from one address may be refused in a minute; further ones are not looked at. 0: no limit',
  ),
  'limits.requests-per-second': setting(
    count,
    DEFAULT_LIMITS.requestsPerSecond,
    'requests of one identity in a second, of one address where nobody signed in; further ones are told to slow down. 0: no limit',
  ),
  'data-dir': setting(text, './data', 'directory of the store'),
  's3.listen': setting(address, { host: '127.0.0.1', port: 9000 }, 'address of the S3 listener'),
  's3.public-url': setting(
    origin('https://s3.example.com'),
    undefined,
    'URL that clients reach S3 at, as the console tells it. Default: the host that the console is asked on, with the port of S3',
  ),
  's3.domain': setting(domains, [], 'domains whose subdomains are buckets (virtual-host style), separated by commas'),
  's3.website-domain': setting(
    domains,
    [],
    'domains whose subdomains are websites of buckets, separated by commas; none of s3.domain',
  ),
  's3.region': setting(
    z.string('give a text').regex(/^[a-z0-9-]{1,32}$/, 'give a name like us-east-1'),
    'us-east-1',
    'region that the endpoint says it is in',
  ),
  's3.bucket-defaults': setting(
    z.enum(BUCKET_DEFAULTS),
    'aws',
    'how closed new buckets are: aws (no ACLs, no public access, no SSE-C) or classic (ACLs, and whatever they and policies give)',
  ),
  // A client that stalls costs up to 0.1 MB. docs/measured.md has the figures.
  's3.max-connections': setting(atLeastOne, 1024, 'connections of S3 clients at once; more are closed'),
  's3.threads': setting(
    z.union(
      [z.literal('auto'), atLeastOne.pipe(z.int().max(64, 'give at most 64'))],
      'give auto, or a number of 1 to 64',
    ),
    'auto',
    'threads that serve S3. auto: one, and on Linux more while there is work for them, up to the number of cores',
  ),
  's3.thread-idle-ms': setting(
    atLeastOne,
    600_000,
    'milliseconds after which a serving thread ends that is not needed any more, with s3.threads=auto',
  ),
  's3.service-root-key': setting(
    rootKey,
    undefined,
    'CRN of the root key for new buckets that name none. Default: a key of this process that no user reaches',
  ),
  'control.listen': setting(
    address,
    { host: '127.0.0.1', port: 9001 },
    'address of the control listener: Key Protect, IAM, health',
  ),
  console: setting(yesOrNo, true, 'whether the control listener serves the console, at /ui/'),
  'control.public-url': setting(
    origin('https://coffer.example.com'),
    undefined,
    'URL that browsers reach the console at, without /ui; sign-in by an identity provider needs it',
  ),
  'console-oidc.issuer': setting(
    z.string('give a URL').regex(/^https?:\/\/[^?#\s]+$/, 'give the URL of an issuer, as its tokens name it'),
    undefined,
    'identity provider (OpenID Connect) that people sign in with at the console. It may be at any address; without TLS only if iam.oidc-http-issuers names it, too',
  ),
  'console-oidc.client-id': setting(text, undefined, 'what the console is called at that identity provider'),
  'console-oidc.client-secret': setting(
    text.transform((given) => new Secret(given)),
    undefined,
    'secret of the console at that identity provider. Default: none, for a public client',
    { secret: true },
  ),
  'console-oidc.scopes': setting(
    listOf(
      'scopes',
      (one) => (/^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/.test(one) ? one : undefined),
      (one) => `${one} is not a scope: give ones like openid,email`,
    ),
    ['openid', 'email'],
    'what the identity provider is asked for, separated by commas; openid always is',
  ),
  'console-oidc.claim': setting(
    text,
    'email',
    'claim that says which user of the account somebody is: email (verified) by the address, any other one by the IAM id',
  ),
  'console-oidc.account': setting(
    accountId,
    undefined,
    'account whose users sign in with that identity provider. Default: that of iam.operator-account',
  ),
  'console-oidc.name': setting(
    text.pipe(z.string().max(40, 'give at most 40 characters')),
    'SSO',
    'how the console calls that identity provider: Continue with …',
  ),
  'tls.certificate-file': setting(
    text,
    undefined,
    'PEM file with the certificate of both listeners and its chain: they speak TLS then. Looked at for changes while the server runs',
  ),
  'tls.key-file': setting(text, undefined, 'PEM file with the private key of the certificate'),
  'control.client-ca-file': setting(
    text,
    undefined,
    'PEM file with authorities: the control listener then serves only clients with a certificate of one of them. Needs TLS',
  ),
  'trusted-proxies': setting(
    networks,
    [],
    'proxies whose X-Forwarded-For says where a request comes from: addresses or CIDR, separated by commas',
  ),
  'bootstrap-file': setting(
    text,
    undefined,
    'JSON file with accounts, instances, users and authorizations, applied at every start',
  ),
  'instance-key-file': setting(
    text,
    undefined,
    'file with the 32-byte instance key; made at the first start. Default: the data directory with .key appended',
  ),
  'instance-passphrase': setting(
    passphrase,
    undefined,
    'passphrase that seals the instance key, instead of a key file',
    {
      secret: true,
    },
  ),
  'iam.oidc-http-issuers': setting(
    httpIssuers,
    [],
    'identity providers (OpenID Connect) that may be asked without TLS, by their URLs, separated by commas: http://localhost:8080/realms/dev',
  ),
  'iam.oidc-ca-file': setting(
    text,
    undefined,
    'PEM file of certificates that identity providers are trusted by, besides the usual ones',
  ),
  'iam.oidc-networks': setting(
    networks,
    [],
    'networks that are not public and that identity providers may be in: addresses or CIDR, separated by commas. Others are asked at public addresses only, but for those of iam.oidc-http-issuers',
  ),
  'disk.reserve-bytes': setting(
    count,
    1024 ** 3,
    'free disk space that new objects, uploads, keys and identities never take',
  ),
  'disk.warn-bytes': setting(
    count,
    undefined,
    'free disk space below which it is logged, and told by /health/ready and the metrics, that the disk becomes full. Default: three times the reserve',
  ),
  'audit.max-bytes': setting(
    count.pipe(z.int().min(MIN_AUDIT_FILE_BYTES * 2, `give at least ${MIN_AUDIT_FILE_BYTES * 2}`)),
    1024 ** 3,
    'bound of the audit log; its oldest files are removed to stay below. At least twice the size of a file',
  ),
  'audit.file-bytes': setting(
    count.pipe(z.int().min(MIN_AUDIT_FILE_BYTES, `give at least ${MIN_AUDIT_FILE_BYTES}`)),
    64 * 1024 ** 2,
    'a file of the audit log is followed by the next one at this size',
  ),
  'accept-metadata-loss': setting(
    yesOrNo,
    false,
    'consent to start with a metadata store that has lost acknowledged writes; nothing is swept while it is true',
  ),
  's3.wrap-limit': setting(
    count.pipe(z.int().min(64, 'give at least 64').max(RANDOM_NONCE_LIMIT, 'give at most 4294967296, 2^32')),
    RANDOM_NONCE_LIMIT,
    'number of data keys that one version of a root key elsewhere wraps at most; bucket keys take its place before, at 7/8, until it is rotated',
  ),
  's3.customer-keys-over-http': setting(
    yesOrNo,
    true,
    'whether keys of customers (SSE-C) are taken over plain HTTP too, for instance behind a proxy that ends TLS',
  ),
  's3.key-check-interval-ms': setting(
    atLeastOne.pipe(z.int().max(86_400_000, 'give at most 86400000, a day')),
    300_000,
    'how often the root key of each bucket is asked whether it is the one that the bucket was made with',
  ),
  'rewrap.automatic': setting(
    yesOrNo,
    true,
    'rewrapping of stored data keys in the background after a rotation of their root key',
  ),
  'rewrap.per-second': setting(
    count,
    DEFAULT_REWRAP.perSecond,
    'number of objects whose data key is rewrapped in a second, of all buckets together; 0: as many as possible',
  ),
  's3.access-log-interval-ms': setting(
    atLeastOne.pipe(z.int().max(86_400_000, 'give at most 86400000, a day')),
    DEFAULT_ACCESS_LOGS.intervalMs,
    'how often access logs of buckets (PutBucketLogging) are delivered',
  ),
  's3.webhooks': setting(
    webhookList,
    [],
    'webhooks that buckets can notify, separated by commas: orders=https://example.com/events is the queue arn:coffer:sqs::orders:webhook',
  ),
  's3.webhook-token': setting(
    z
      .string('give a text')
      .min(1, 'must not be empty')
      .transform((given) => new Secret(given)),
    undefined,
    'token that webhooks are told, as Authorization: Bearer',
    { secret: true },
  ),
  's3.nats-targets': setting(
    natsTargets,
    [],
    'subjects of NATS servers, each kept by a stream (JetStream), that buckets can notify, separated by commas: jobs=nats://example.com:4222/events.jobs is the queue arn:coffer:sqs::jobs:nats; tls:// demands TLS',
  ),
  's3.nats-credentials': setting(
    natsLogins,
    undefined,
    'logins for the NATS servers, by the names of the subjects, separated by commas: jobs=<user>:<password>',
    { secret: true },
  ),
  's3.replication-targets': setting(
    replicationTargets,
    [],
    'S3 endpoints that buckets can be replicated to, separated by commas: dr=https://s3.example.com?region=eu-central-1 has the buckets arn:coffer:s3::dr:<bucket>. Further parameters: kind=coffer keeps ids of versions there, bytes=sealed sends versions as they are sealed, account=<id> lets buckets of that account alone be replicated',
  ),
  's3.replication-credentials': setting(
    replicationCredentials,
    undefined,
    'credentials for the replication targets, separated by commas: dr=<access key id>:<secret access key>',
    { secret: true },
  ),
  'storage-classes': setting(
    storageClasses,
    [],
    'storage classes beside STANDARD, each with a directory of its own, separated by commas: STANDARD_IA=/mnt/slow,GLACIER=/mnt/slower',
  ),
  'lifecycle.day-seconds': setting(
    atLeastOne.pipe(z.int().max(86_400, 'give at most 86400, a day')),
    CALENDAR_DAY_MS / 1000,
    'length of a day that lifecycle rules count in; a shorter one is for tests. Dates in answers stay calendar days',
  ),
  'lifecycle.per-second': setting(
    count,
    DEFAULT_LIFECYCLE.perSecond,
    'number of objects and uploads that lifecycle rules act upon in a second, of all buckets together; 0: as many as possible',
  ),
  'scrub.interval-ms': setting(
    count,
    DEFAULT_SCRUB.intervalMs,
    'from the end of one look through all that is stored, for damage, to the beginning of the next; 0: only when it is asked for, the tables of the metadata stores all the same once a day',
  ),
  'scrub.mib-per-second': setting(
    count,
    DEFAULT_SCRUB.mibPerSecond,
    'stored bytes that such a look reads in a second, in MiB; 0: as many as possible',
  ),
  'kms.enable-delay-ms': setting(
    count,
    DEFAULT_KMS_SETTINGS.enableDelayMs,
    'a disabled root key is enabled no earlier',
  ),
  'kms.restore-delay-ms': setting(
    count,
    DEFAULT_KMS_SETTINGS.restoreDelayMs,
    'a deleted root key is restored no earlier',
  ),
  'kms.rotate-interval-ms': setting(
    count,
    DEFAULT_KMS_SETTINGS.rotateIntervalMs,
    'a root key is rotated no more often',
  ),
  'kms.restore-window-ms': setting(
    count,
    DEFAULT_KMS_SETTINGS.restoreWindowMs,
    'a deleted root key can be restored this long; then its material is destroyed',
  ),
  'kms.purge-delay-ms': setting(count, DEFAULT_KMS_SETTINGS.purgeDelayMs, 'a deleted key is purged by hand no earlier'),
  'kms.purge-after-ms': setting(
    count,
    DEFAULT_KMS_SETTINGS.purgeAfterMs,
    'a deleted key is purged by itself, once its material is destroyed',
  ),
  'kms.dual-auth-window-ms': setting(
    count,
    DEFAULT_KMS_SETTINGS.dualAuthWindowMs,
    'the first of two authorizations to delete a key holds this long',
  ),
  'kms.rotation-month-ms': setting(
    atLeastOne,
    DEFAULT_KMS_SETTINGS.rotationMonthMs,
    'length of the month that rotation policies count in',
  ),
  'kms.sync-interval-ms': setting(
    count,
    DEFAULT_KMS_SETTINGS.syncIntervalMs,
    'the users of a key are told of it by hand no more often',
  ),
  'kms.sweep-interval-ms': setting(
    atLeastOne.pipe(z.int().max(86_400_000, 'give at most 86400000, a day')),
    3_600_000,
    'how often keys are looked through for those to rotate by policy, to destroy or to purge',
  ),
  'kms.private-networks': setting(
    networks,
    DEFAULT_KMS_SETTINGS.privateNetworks,
    'networks that count as private for the policy allowedNetwork and for the firewalls of buckets: addresses or CIDR, separated by commas',
  ),
  'kms.network-policies': setting(
    yesOrNo,
    DEFAULT_KMS_SETTINGS.networkPolicies,
    'false lets callers in whatever allowedIP and allowedNetwork say, to mend a policy that locked its owner out',
  ),
  'kms.network-policies-for-services': setting(
    yesOrNo,
    DEFAULT_KMS_SETTINGS.networkPoliciesForServices,
    'true has allowedIP and allowedNetwork hold for services of other processes, too, whose tokens an Administrator may ask for: name their addresses',
  ),
  'iam.issuer': setting(text, 'https://coffer.invalid/identity', 'issuer of IAM tokens'),
  'iam.operator-account': setting(
    accountId,
    undefined,
    'account whose Administrators may rotate the keys that sign tokens. Default: the first of the bootstrap file, or the only one there is',
  ),
  'iam.token-life-ms': setting(
    count.pipe(
      z
        .int()
        .min(
          MIN_TOKEN_LIFE_MS,
          `give at least ${MIN_TOKEN_LIFE_MS}, a minute: clients refresh some seconds before the end`,
        )
        .max(MAX_TOKEN_LIFE_MS, `give at most ${MAX_TOKEN_LIFE_MS}, a day`),
    ),
    DEFAULT_TOKEN_SETTINGS.tokenLifeMs,
    'life of an IAM token',
  ),
  'iam.refresh-token-life-ms': setting(
    count.pipe(z.int().min(MIN_TOKEN_LIFE_MS, `give at least ${MIN_TOKEN_LIFE_MS}, a minute`)),
    DEFAULT_TOKEN_SETTINGS.refreshTokenLifeMs,
    'life of a refresh token; it ends with its API key in any case',
  ),
  'iam.signing-key-max-age-ms': setting(
    count.pipe(z.int().min(3_600_000, 'give at least 3600000, an hour')),
    DEFAULT_SIGNING_KEY_SETTINGS.maxAgeMs,
    'a key signs tokens this long, then the next one does',
  ),
  'iam.signing-key-lead-ms': setting(
    count.pipe(z.int().min(60_000, 'give at least 60000, a minute')),
    DEFAULT_SIGNING_KEY_SETTINGS.leadMs,
    'a new key is shown at /identity/keys this long before it signs',
  ),
  'drain-ms': setting(
    count.pipe(z.int().max(86_400_000, 'give at most 86400000, a day')),
    25_000,
    'running requests are waited for this long after SIGTERM',
  ),
  'log.level': setting(
    z.enum(['debug', 'info', 'warn', 'error', 'silent']),
    'info',
    'least severe log lines that are written',
  ),
} as const satisfies Readonly<Record<string, Setting>>

export type SettingName = keyof typeof SETTINGS
/** A setting without a default may be undefined. */
export type Config = {
  readonly [Name in SettingName]:
    | z.output<(typeof SETTINGS)[Name]['schema']>
    | Extract<(typeof SETTINGS)[Name]['default'], undefined>
} & { readonly 'key-providers': readonly DeclaredProvider[] }

/** `s3.listen` → COFFER_S3_LISTEN */
export const environmentName = (name: string): string => `COFFER_${name.replaceAll(/[.-]/g, '_').toUpperCase()}`
/** `s3.listen` → --s3-listen */
export const flagName = (name: string): string => `--${name.replaceAll('.', '-')}`
