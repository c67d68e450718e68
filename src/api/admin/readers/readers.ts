import { z } from 'zod'
import type { KnownPrincipal } from '../../../iam/known-principals.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type { SampleKey } from '../../common/bucket-shares.ts'
import { decidedBy, decidedByOf } from '../../common/decided-by.ts'
import type { S3Answer, S3Question } from '../../common/s3-question.ts'
import type { AdminContext } from '../context.ts'
import { type Breather, breathing } from './breathing.ts'

export const reader = z.object({
  kind: z.enum(['user', 'service-id', 'iam-user', 'iam-role', 'service', 'anonymous']),
  id: z.string(),
  arn: z.string().optional(),
  name: z.string(),
  email: z.string().optional(),
  groups: z.array(z.string()).optional(),
  reads: z.enum(['all', 'most', 'some', 'none']).meta({ description: 'As far as rights go.' }),
  only: z.array(z.string()).optional().meta({ description: 'Of `some`: keys, as a policy writes them.' }),
  except: z.array(z.string()).optional().meta({ description: 'Of `most`.' }),
  reason: z.string().meta({ description: 'As the audit log has it.' }),
  decidedBy,
  readable: z.enum(['yes', 'partly', 'no']).meta({ description: 'Whether the root keys let it, too.' }),
})
export type Reader = z.output<typeof reader>

/** One object, or whatever lies in the bucket. */
export interface Wanted {
  readonly bucket: Bucket
  readonly key?: string | undefined
  readonly versionId?: string | undefined
}

/** Called like no object that a policy names. */
const ANY_KEY = 'an object of no particular name'
const ANONYMOUS = { type: 'anonymous', iamId: 'anonymous' } as const

/** What rights let each of them read, without regard to keys. One decision for each of the keys that policies tell apart. */
export async function readersOf(
  context: Deciding,
  wanted: Wanted,
  principals: readonly KnownPrincipal[],
): Promise<Omit<Reader, 'readable'>[]> {
  const breathe = breathing()
  const found: Omit<Reader, 'readable'>[] = []
  for (const known of principals) {
    found.push(
      known.isShutOut
        ? shutOut(known)
        : { ...faceOf(known), ...(await decided(context, wanted, known.principal, breathe)) },
    )
  }
  return found
}

type Deciding = Pick<AdminContext, 'askS3' | 'asker' | 'shares'>

export async function anybody(context: Deciding, wanted: Wanted): Promise<Omit<Reader, 'readable'>> {
  const who = { kind: 'anonymous', id: 'anonymous', name: 'Anybody, without credentials' } as const
  return { ...who, ...(await decided(context, wanted, ANONYMOUS, breathing())) }
}

const shutOut = (known: KnownPrincipal): Omit<Reader, 'readable'> => ({
  ...faceOf(known),
  ...{ reads: 'none', reason: 'the user is shut out', decidedBy: { kind: 'other' } },
})

function faceOf({ kind, principal, groups }: KnownPrincipal) {
  const { iamId: id } = principal
  const inAws = principal.type === 'user' ? principal.aws : undefined
  const arn =
    principal.type === 'service' ? undefined : (inAws?.arns.at(-1) ?? `arn:aws:iam::${principal.accountId}:user/${id}`)
  const { name, email } = principal.type === 'service' ? { name: id, email: '' } : principal
  return {
    ...{ kind, id: kind === 'iam-role' ? (inAws?.ids.at(-1) ?? id) : id, name },
    ...(arn === undefined ? {} : { arn }),
    ...(email === '' ? {} : { email }),
    ...(groups.length > 0 ? { groups: [...groups] } : {}),
  }
}

type Decided = Pick<Reader, 'reads' | 'only' | 'except' | 'reason' | 'decidedBy'>

async function decided(
  { askS3, asker, shares }: Deciding,
  { bucket, key, versionId }: Wanted,
  principal: S3Question['principal'],
  breathe: Breather,
): Promise<Decided> {
  const ask = async (about: Pick<S3Question, 'key' | 'isTypical'>): Promise<S3Answer> => {
    await breathe()
    const action = versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
    return askS3({ principal, action, bucket: bucket.name, versionId, asker, ...about })
  }
  if (key !== undefined) {
    const { allowed, reason } = await ask({ key })
    return { reads: allowed ? 'all' : 'none', reason, decidedBy: decidedByOf(reason) }
  }
  const general = await ask({ key: ANY_KEY, isTypical: true })
  const others: [SampleKey, S3Answer][] = []
  for (const sample of shares.samplesOf(bucket, principal.type === 'anonymous' ? undefined : principal)) {
    const answer = await ask({ key: sample.key, isTypical: true })
    if (answer.allowed !== general.allowed) others.push([sample, answer])
  }
  return summed(general, others)
}

function summed(general: S3Answer, others: readonly (readonly [SampleKey, S3Answer])[]): Decided {
  const [exception] = others
  const patterns = others.map(([{ pattern }]) => pattern)
  const reason = general.allowed ? general.reason : (exception?.[1].reason ?? general.reason)
  const why = { reason, decidedBy: decidedByOf(reason) }
  if (!exception) return { reads: general.allowed ? 'all' : 'none', ...why }
  return general.allowed ? { reads: 'most', except: patterns, ...why } : { reads: 'some', only: patterns, ...why }
}
