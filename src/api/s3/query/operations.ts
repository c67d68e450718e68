import { ACCESS_KEYS } from './access-keys.ts'
import { ACCOUNT } from './account.ts'
import { BOUNDARIES } from './boundaries.ts'
import { CALLER_IDENTITY } from './caller-identity.ts'
import { GROUPS } from './groups.ts'
import { MANAGED } from './managed-policies.ts'
import { NOTHING_THERE } from './nothing-there.ts'
import { OIDC_PROVIDERS } from './oidc-providers.ts'
import { POLICIES } from './policies.ts'
import type { QueryOperation } from './query-operation.ts'
import { ROLES } from './roles.ts'
import { SESSIONS } from './sessions.ts'
import { TAGS } from './tags.ts'
import { USERS } from './users.ts'

/** All calls of IAM and STS that have to be signed. */
export const QUERY_OPERATIONS: readonly QueryOperation[] = [
  ...[...USERS, ...ACCESS_KEYS, ...POLICIES, ...MANAGED, ...BOUNDARIES, ...TAGS, ...NOTHING_THERE, ...GROUPS],
  ...[...ROLES, ...OIDC_PROVIDERS, ...SESSIONS, ...ACCOUNT, ...CALLER_IDENTITY],
]
