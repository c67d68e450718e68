import { z } from 'zod'
import { parseCrn } from '../../../base/crn.ts'
import { noBody } from '../../common/json-operation.ts'
import { queryOf } from '../../common/query-of.ts'
import { json } from '../../common/reply.ts'
import { type AdminContext, defineOperation } from '../context.ts'
import { anybody, type Reader, reader, readersOf, type Wanted } from '../readers/readers.ts'
import { rootKeysOf, type UsedRootKey, usedRootKey } from '../readers/root-keys.ts'

const takes = z.object({
  key: z.string().min(1).optional().meta({ description: 'Of one object. Default: whatever lies in the bucket.' }),
  versionId: z.string().min(1).optional(),
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
})

const statement = z.object({
  name: z.string(),
  effect: z.enum(['Allow', 'Deny']),
  principals: z.array(z.string()),
  exceptPrincipals: z.boolean(),
  resources: z.array(z.string()),
  exceptResources: z.boolean(),
  conditions: z.array(z.string()),
})

const reply = z.object({
  bucket: z.string(),
  key: z.string().optional(),
  versionId: z.string().optional(),
  account: z.string(),
  rootKeys: z.array(usedRootKey),
  readers: z.array(reader).meta({ description: 'Everybody of the account, by name, those denied with their reason.' }),
  anybody: reader,
  total: z.int(),
  shares: z
    .object({
      policy: z.enum(['none', 'readable', 'unreadable']),
      statements: z.array(statement),
      grants: z.array(z.object({ to: z.string(), permission: z.string() })),
      restrictsPublic: z.boolean(),
      hasFirewall: z.boolean(),
    })
    .meta({ description: 'What the bucket says of others: its policy as far as it is about reading, and its ACL.' }),
})

export const explainReaders = defineOperation({
  name: 'ExplainReaders',
  summary:
    'Who can read a bucket or an object, and what decides it: rights, the authorization of the root key, its state.',
  method: 'GET',
  path: '/admin/v1/buckets/:name/who-can-read',
  takes,
  body: noBody,
  reply,
  run: async ({ request }, context) => {
    const { key, versionId, offset, limit } = queryOf(request, takes)
    const bucket = context.bucketFor(request.param('name'), 's3:GetBucketPolicy')
    context.requireAccount('iam.policy.read')
    context.requireAccount('user-management.user.retrieve')
    const account = parseCrn(bucket.serviceInstanceCrn).account
    const wanted = { bucket, key, versionId }
    const all = [...context.iam.principals(account)].sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
    const rootKeys = await rootKeysOf(context, bucket)
    const opens = await opensOf(context, wanted, rootKeys)
    const withKeys = (one: Omit<Reader, 'readable'>): Reader => ({
      ...one,
      readable: one.reads === 'none' ? 'no' : opens,
    })
    return json(200, {
      ...{ bucket: bucket.name, key, versionId, account, rootKeys },
      readers: (await readersOf(context, wanted, all.slice(offset, offset + limit))).map(withKeys),
      anybody: withKeys(await anybody(context, wanted)),
      total: all.length,
      shares: context.shares.sharesOf(bucket),
    })
  },
})

const nameOf = ({ principal }: { readonly principal: { readonly iamId: string; readonly name?: string } }): string =>
  principal.name || principal.iamId

/** Of an object, the key that it lies under decides. */
async function opensOf(
  { objects }: AdminContext,
  { key, ...target }: Wanted,
  rootKeys: readonly UsedRootKey[],
): Promise<Reader['readable']> {
  const facts = key === undefined ? undefined : await objects.envelopeFacts({ ...target, key })
  const asked = facts ? rootKeys.filter(({ slots }) => slots.includes(facts.slot)) : rootKeys
  if (asked.every(({ opens }) => opens)) return 'yes'
  return asked.some(({ opens }) => opens) ? 'partly' : 'no'
}
