import { href } from '../router.ts'
import type { PageDefinition } from './page.ts'

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
]
