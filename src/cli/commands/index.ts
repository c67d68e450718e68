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
  {
    noun: 'export',
    group: 'Data',
    summary: 'copies a bucket to another S3 store or a directory',
    load: () => import('./export/index.ts'),
  },
  { noun: 'key', group: 'Keys', summary: 'root keys', load: () => import('./key/index.ts') },
  {
    noun: 'authorization',
    group: 'Keys',
    summary: 'which object storage may use which keys',
    load: () => import('./authorization/index.ts'),
  },
  {
    noun: 'provider',
    group: 'Keys',
    summary: 'key services; add and rm write the settings of a server',
    load: () => import('./provider/index.ts'),
  },
  {
    noun: 'user',
    group: 'Access',
    summary: 'users, service IDs and their credentials',
    load: () => import('./user/index.ts'),
  },
  { noun: 'policy', group: 'Access', summary: 'access policies', load: () => import('./policy/index.ts') },
  {
    noun: 'rewrap',
    group: 'Operate',
    summary: 'brings data keys to the newest version of their root key',
    load: () => import('./rewrap/index.ts'),
  },
  { noun: 'jobs', group: 'Operate', summary: 'rewraps under way', load: () => import('./jobs/index.ts') },
  {
    noun: 'scrub',
    group: 'Operate',
    summary: 'the look for damage of a running server',
    load: () => import('./scrub/index.ts'),
  },
  {
    noun: 'verify',
    group: 'Operate',
    summary: 'has a running server look for damage',
    load: () => import('./verify/index.ts'),
  },
  {
    noun: 'audit',
    group: 'Operate',
    summary: 'what was done, by whom, and what let them',
    load: () => import('./audit/index.ts'),
  },
  { noun: 'health', group: 'Operate', summary: 'probes a server', load: () => import('./health/index.ts') },
  { noun: 'status', group: 'Operate', summary: 'how a server is', load: () => import('./status/index.ts') },
  {
    noun: 'bench',
    group: 'Operate',
    summary: 'a small load, and how the server did',
    load: () => import('./bench/index.ts'),
  },
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
  {
    noun: 'completion',
    group: 'Connection',
    summary: 'for bash, zsh, fish, PowerShell',
    load: () => import('./completion/index.ts'),
  },
  { noun: 'version', group: 'Connection', summary: 'of this program', load: () => import('./version/index.ts') },
]
