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
]
