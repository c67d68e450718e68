import { href, type Params } from '../router.ts'
import type { Crumb } from '../shell/topbar.tsx'
import type { PageDefinition } from './page.ts'

const bucketCrumbs = ({ bucket = '' }: Params): readonly Crumb[] => [
  { title: 'Buckets', href: href(['buckets']) },
  { title: bucket },
]

const inBucket =
  (tab?: string) =>
  ({ bucket = '' }: Params): string =>
    tab === undefined ? bucket : `${tab} of ${bucket}`

/** Every page there is, in the order in which they are looked at. */
export const PAGES: readonly PageDefinition[] = [
  {
    id: 'overview',
    pattern: '/',
    area: 'overview',
    title: () => 'Overview',
    load: () => import('./overview/overview.tsx'),
  },
  {
    id: 'buckets',
    pattern: '/buckets',
    area: 'buckets',
    title: () => 'Buckets',
    load: () => import('./buckets/buckets.tsx'),
  },
  {
    id: 'keys',
    pattern: '/keys',
    area: 'keys',
    title: () => 'Root keys',
    load: () => import('./keys/keys.tsx'),
  },
  {
    id: 'key',
    pattern: '/keys/:instance/:key',
    area: 'keys',
    title: ({ key = '' }) => key,
    crumbs: ({ instance = '', key = '' }) => [
      { title: 'Root keys', href: href(['keys']) },
      { title: instance, href: href(['keys'], { instance }) },
      { title: key },
    ],
    load: () => import('./key/key.tsx'),
  },
  {
    id: 'keys',
    pattern: '/create-key',
    area: 'keys',
    title: () => 'Create root key',
    crumbs: () => [{ title: 'Root keys', href: href(['keys']) }, { title: 'Create root key' }],
    load: () => import('./keys/keys.tsx'),
  },
  ...['/authorizations', '/authorize'].map(
    (pattern): PageDefinition => ({
      id: 'authorizations',
      pattern,
      area: 'authorizations',
      title: () => 'Authorizations',
      load: () => import('./authorizations/authorizations.tsx'),
    }),
  ),
  {
    id: 'create-bucket',
    pattern: '/create-bucket',
    area: 'buckets',
    title: () => 'Create bucket',
    crumbs: () => [{ title: 'Buckets', href: href(['buckets']) }, { title: 'Create bucket' }],
    load: () => import('./create-bucket/create-bucket.tsx'),
  },
  {
    id: 'objects',
    pattern: '/buckets/:bucket/objects/*prefix',
    area: 'buckets',
    title: inBucket(),
    crumbs: bucketCrumbs,
    sameWhen: ({ bucket }) => bucket,
    load: () => import('./bucket/objects/objects-page.tsx'),
  },
  {
    id: 'objects',
    pattern: '/buckets/:bucket',
    area: 'buckets',
    title: inBucket(),
    crumbs: bucketCrumbs,
    sameWhen: ({ bucket }) => bucket,
    load: () => import('./bucket/objects/objects-page.tsx'),
  },
  {
    id: 'users',
    pattern: '/users',
    area: 'users',
    title: () => 'Users & service IDs',
    load: () => import('./users/users.tsx'),
  },
  {
    id: 'user',
    pattern: '/users/:iamId',
    area: 'users',
    title: ({ iamId = '' }) => iamId,
    crumbs: ({ iamId = '' }) => [{ title: 'Users & service IDs', href: href(['users']) }, { title: iamId }],
    load: () => import('./users/identity.tsx'),
  },
  {
    id: 'policies',
    pattern: '/policies',
    area: 'policies',
    title: () => 'Policies',
    load: () => import('./policies/policies.tsx'),
  },
  {
    id: 'activity',
    pattern: '/activity',
    area: 'activity',
    title: () => 'Activity',
    load: () => import('./activity/activity.tsx'),
  },
  {
    id: 'metrics',
    pattern: '/metrics',
    area: 'metrics',
    title: () => 'Metrics',
    load: () => import('./metrics/metrics.tsx'),
  },
  {
    id: 'settings',
    pattern: '/settings',
    area: 'settings',
    title: () => 'Settings',
    load: () => import('./settings/settings.tsx'),
  },
  {
    id: 'providers',
    pattern: '/providers',
    area: 'providers',
    title: () => 'Key providers',
    load: () => import('./providers/providers.tsx'),
  },
  ...['/api-docs', '/api-docs/:document'].map(
    (pattern): PageDefinition => ({
      id: 'api-docs',
      pattern,
      area: 'settings',
      title: () => 'API docs',
      load: () => import('./api-docs/api-docs.tsx'),
    }),
  ),
  {
    id: 'bucket-encryption',
    pattern: '/buckets/:bucket/encryption',
    area: 'buckets',
    title: inBucket('Encryption'),
    crumbs: bucketCrumbs,
    load: () => import('./bucket/encryption.tsx'),
  },
  {
    id: 'bucket-who-can-read',
    pattern: '/buckets/:bucket/who-can-read',
    area: 'buckets',
    title: inBucket('Who can read'),
    crumbs: bucketCrumbs,
    load: () => import('./bucket/readers.tsx'),
  },
  {
    id: 'bucket-lifecycle',
    pattern: '/buckets/:bucket/lifecycle',
    area: 'buckets',
    title: inBucket('Lifecycle'),
    crumbs: bucketCrumbs,
    load: () => import('./bucket/lifecycle.tsx'),
  },
  {
    id: 'bucket-metrics',
    pattern: '/buckets/:bucket/metrics',
    area: 'buckets',
    title: inBucket('Metrics'),
    crumbs: bucketCrumbs,
    load: () => import('./bucket/metrics.tsx'),
  },
  {
    id: 'bucket-settings',
    pattern: '/buckets/:bucket/settings',
    area: 'buckets',
    title: inBucket('Settings'),
    crumbs: bucketCrumbs,
    load: () => import('./bucket/settings/settings.tsx'),
  },
  {
    id: 'jobs',
    pattern: '/jobs',
    area: 'jobs',
    title: () => 'Jobs',
    load: () => import('./jobs/jobs.tsx'),
  },
]
