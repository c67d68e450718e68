import type { NounEntry } from '../spec.ts'

/** The clients' half of the tree; each is loaded when it is called. */
export const NOUNS: readonly NounEntry[] = [
  {
    noun: 'bucket',
    group: 'Data',
    summary: 'buckets, their encryption and settings',
    load: () => import('./bucket/index.ts'),
  },
  { noun: 'object', group: 'Data', summary: 'objects and their versions', load: () => import('./object/index.ts') },
  {
    noun: 'import',
    group: 'Data',
    summary: 'copies a bucket of another S3 store',
    load: () => import('./import/index.ts'),
  },
  { noun: 'key', group: 'Keys', summary: 'root keys', load: () => import('./key/index.ts') },
  {
    noun: 'authorization',
    group: 'Keys',
    summary: 'which object storage may use which keys',
    load: () => import('./authorization/index.ts'),
  },
  { noun: 'health', group: 'Operate', summary: 'probes a server', load: () => import('./health/index.ts') },
  { noun: 'status', group: 'Operate', summary: 'how a server is', load: () => import('./status/index.ts') },
  {
    noun: 'login',
    group: 'Connection',
    summary: 'keeps a server and credentials as a profile',
    load: () => import('./login/index.ts'),
  },
  {
    noun: 'logout',
    group: 'Connection',
    summary: 'forgets the current profile',
    load: () => import('./login/logout-index.ts'),
  },
  { noun: 'profile', group: 'Connection', summary: 'saved servers', load: () => import('./profile/index.ts') },
]
