import { z } from 'zod'

/** What decided, taken out of the reason that a decision and the audit log give. */
export const decidedBy = z.object({
  kind: z.enum([
    ...([
      'role',
      'access-policy',
      'authorization',
      'system-authorization',
      'identity-policy',
      'bucket-policy',
    ] as const),
    ...(['bucket-acl', 'object-acl', 'firewall', 'other'] as const),
  ]),
  role: z.string().optional(),
  policyId: z.string().optional(),
  /** Of a policy in AWS's language, with the statement; of an ACL, the grant. */
  name: z.string().optional(),
})
export type DecidedBy = z.output<typeof decidedBy>

const PATTERNS: readonly (readonly [RegExp, (parts: readonly string[]) => DecidedBy])[] = [
  [/^role (\w+)$/, ([role = '']) => ({ kind: 'role', role })],
  [/^policy ([0-9a-f-]{36}), role (.+)$/, ([policyId = '', role = '']) => ({ kind: 'access-policy', policyId, role })],
  [/^authorization ([0-9a-f-]{36})$/, ([policyId = '']) => ({ kind: 'authorization', policyId })],
  [/^system authorization$/, () => ({ kind: 'system-authorization' })],
  [/^bucket policy (.+)$/s, ([name = '']) => ({ kind: 'bucket-policy', name })],
  [/^bucket ACL (.+)$/, ([name = '']) => ({ kind: 'bucket-acl', name })],
  [/^object ACL (.+)$/, ([name = '']) => ({ kind: 'object-acl', name })],
  [/^firewall (.+)$/, ([name = '']) => ({ kind: 'firewall', name })],
  [
    /^((?:session )?policy |boundary )(.+)$/s,
    ([what = '', name = '']) => ({ kind: 'identity-policy', name: `${what}${name}` }),
  ],
]

export function decidedByOf(reason: string): DecidedBy {
  for (const [pattern, face] of PATTERNS) {
    const [, ...parts] = pattern.exec(reason) ?? []
    if (pattern.test(reason)) return face(parts)
  }
  return { kind: 'other' }
}
