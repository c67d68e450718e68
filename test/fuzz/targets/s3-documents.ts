import fc from 'fast-check'
import { readAcceleration } from '../../../src/api/s3/acceleration.ts'
import { parseAcl } from '../../../src/api/s3/access/acl-xml.ts'
import type { AccountDirectory } from '../../../src/api/s3/access/directory.ts'
import { readAnalytics } from '../../../src/api/s3/analytics-configuration.ts'
import { corsRules } from '../../../src/api/s3/cors-document.ts'
import { readIntelligentTiering } from '../../../src/api/s3/intelligent-tiering.ts'
import { readInventory } from '../../../src/api/s3/inventory-configuration.ts'
import { readLifecycle } from '../../../src/api/s3/lifecycle/read-configuration.ts'
import { readLockConfiguration } from '../../../src/api/s3/lock/configuration.ts'
import { readProtection } from '../../../src/api/s3/lock/protection.ts'
import { readMetrics } from '../../../src/api/s3/metrics-configuration.ts'
import { readNotifications } from '../../../src/api/s3/notifications/read-configuration.ts'
import { readReplication } from '../../../src/api/s3/replication/read-configuration.ts'
import { readPayer } from '../../../src/api/s3/request-payment.ts'
import { bucketTags, objectTags } from '../../../src/api/s3/tags.ts'
import { readWebsite } from '../../../src/api/s3/website/document.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const owner = 'a'.repeat(64)
const accounts: AccountDirectory = {
  hasCanonicalId: (id) => id === owner,
  canonicalIdsOfEmail: () => [],
  displayName: () => 'o',
}

/** Each reader of a document, by the name of its root. */
const READERS: Readonly<Record<string, (body: Buffer) => unknown>> = {
  AccelerateConfiguration: readAcceleration,
  AccessControlPolicy: (body) => parseAcl(body, owner, accounts),
  AnalyticsConfiguration: (body) => readAnalytics(body, 'id'),
  CORSConfiguration: corsRules,
  IntelligentTieringConfiguration: (body) => readIntelligentTiering(body, 'id'),
  InventoryConfiguration: (body) => readInventory(body, 'id'),
  LifecycleConfiguration: (body) => readLifecycle(body, ['GLACIER']),
  MetricsConfiguration: (body) => readMetrics(body, 'id'),
  NotificationConfiguration: (body) => readNotifications(body, ['orders:webhook']),
  ObjectLockConfiguration: readLockConfiguration,
  ProtectionConfiguration: readProtection,
  ReplicationConfiguration: readReplication,
  RequestPaymentConfiguration: readPayer,
  Tagging: (body) => [objectTags(body), bucketTags(body)],
  WebsiteConfiguration: readWebsite,
}

const SEEDS = [
  '<AccelerateConfiguration><Status>Suspended</Status></AccelerateConfiguration>',
  `<AccessControlPolicy><Owner><ID>${owner}</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`,
  '<AnalyticsConfiguration><Id>id</Id><Filter><And><Prefix>a</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter><StorageClassAnalysis/></AnalyticsConfiguration>',
  '<CORSConfiguration><CORSRule><ID>x</ID><AllowedOrigin>https://*.example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>x-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>',
  '<IntelligentTieringConfiguration><Id>id</Id><Status>Enabled</Status><Tiering><AccessTier>ARCHIVE_ACCESS</AccessTier><Days>90</Days></Tiering></IntelligentTieringConfiguration>',
  '<InventoryConfiguration><Destination><S3BucketDestination><Bucket>arn:aws:s3:::to</Bucket><Format>CSV</Format><Prefix>p</Prefix></S3BucketDestination></Destination><IsEnabled>true</IsEnabled><Id>id</Id><IncludedObjectVersions>All</IncludedObjectVersions><OptionalFields><Field>Size</Field></OptionalFields><Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>',
  '<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status><Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag><ObjectSizeGreaterThan>10</ObjectSizeGreaterThan></And></Filter><Expiration><Days>10</Days></Expiration><Transition><Days>5</Days><StorageClass>GLACIER</StorageClass></Transition><NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>',
  '<LifecycleConfiguration><Rule><Prefix/><Status>Enabled</Status><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration></Rule></LifecycleConfiguration>',
  '<MetricsConfiguration><Id>id</Id><Filter><Prefix>a</Prefix></Filter></MetricsConfiguration>',
  '<NotificationConfiguration><QueueConfiguration><Id>n</Id><Queue>arn:coffer:sqs::orders:webhook</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>a/</Value></FilterRule></S3Key></Filter></QueueConfiguration></NotificationConfiguration>',
  '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>10</Days></DefaultRetention></Rule></ObjectLockConfiguration>',
  '<ProtectionConfiguration><Status>Retention</Status><MinimumRetention><Days>1</Days></MinimumRetention><DefaultRetention><Days>2</Days></DefaultRetention><MaximumRetention><Days>3</Days></MaximumRetention></ProtectionConfiguration>',
  '<ReplicationConfiguration><Role>arn:aws:iam::0:role/r</Role><Rule><ID>a</ID><Priority>1</Priority><Filter><Prefix>a</Prefix></Filter><Status>Enabled</Status><DeleteMarkerReplication><Status>Enabled</Status></DeleteMarkerReplication><Destination><Bucket>arn:coffer:s3::dr:copies</Bucket></Destination></Rule></ReplicationConfiguration>',
  '<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>',
  '<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>',
  '<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument><ErrorDocument><Key>error.html</Key></ErrorDocument><RoutingRules><RoutingRule><Condition><KeyPrefixEquals>a</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith><HttpRedirectCode>302</HttpRedirectCode></Redirect></RoutingRule></RoutingRules></WebsiteConfiguration>',
]

/** Elements of all documents in any nesting under any root. */
const NAMES = [...new Set(SEEDS.flatMap((seed) => [...seed.matchAll(/<([A-Za-z]+)/g)].map(([, found]) => found ?? '')))]
const value = fc.constantFrom(
  '',
  '0',
  '1',
  '-1',
  '1e3',
  '99999999999',
  'Enabled',
  'true',
  'a',
  '*',
  '2030-01-01',
  'arn:aws:s3:::to',
)
const { element } = fc.letrec<{ element: string }>((tie) => ({
  element: fc
    .tuple(fc.constantFrom(...NAMES), fc.oneof({ maxDepth: 4 }, value, fc.array(tie('element'), { maxLength: 4 })))
    .map(([tag, inside]) => `<${tag}>${typeof inside === 'string' ? inside : inside.join('')}</${tag}>`),
}))
const inputs = fc
  .tuple(fc.constantFrom(...Object.keys(READERS)), fc.array(element, { maxLength: 5 }))
  .map(([root, inside]) => Buffer.from(`<${root}>${inside.join('')}</${root}>`))

export const s3DocumentsTarget: FuzzTarget = {
  name: 's3-documents',
  seeds: SEEDS.map((seed) => Buffer.from(seed)),
  inputs,
  words: NAMES.flatMap((each) => [`<${each}>`, `</${each}>`]),
  mayThrow: refusals(),
  run: (input) => {
    const root = /^<([A-Za-z]+)/.exec(input.toString('latin1'))?.[1] ?? ''
    if (Object.hasOwn(READERS, root)) READERS[root]?.(input)
  },
}
