import { z } from 'zod'
import { parseCrn } from '../../../base/crn.ts'
import type { Decision } from '../../../iam/decide.ts'
import type { Iam } from '../../../iam/iam.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import { decidedBy, decidedByOf } from '../../common/decided-by.ts'
import type { AdminContext } from '../context.ts'
import { rootKeyFace } from '../key-sight.ts'

export const usedRootKey = z.object({
  ...rootKeyFace.shape,
  encryption: z.enum(['provider-managed', 'customer-managed']),
  current: z.boolean().meta({ description: 'Wraps what is new in the bucket.' }),
  slots: z.array(z.int()),
  opens: z.boolean().meta({ description: 'What lies under it can be read now.' }),
  refusal: z.string().optional().meta({ description: 'Why not: `RootKeyDisabled`, `KeyAccessDenied`, …' }),
  authorization: z
    .object({ granted: z.boolean(), reason: z.string(), decidedBy })
    .optional()
    .meta({ description: 'What lets the bucket’s instance use the key. Absent for keys of a service elsewhere.' }),
})
export type UsedRootKey = z.output<typeof usedRootKey>

/** The root keys that a bucket's objects depend on. */
export async function rootKeysOf(context: AdminContext, bucket: Bucket): Promise<UsedRootKey[]> {
  const answers = await context.objects.keyChecks.answers(bucket)
  const byKey = Map.groupBy(answers, ({ slot }) => slot.rootKeyCrn)
  return Array.from(byKey, ([rootKeyCrn, all]): UsedRootKey => {
    const refusal = all.find((one) => one.refusal !== undefined)?.refusal
    const decision = authorizationOf(context, bucket, rootKeyCrn)
    return {
      ...context.keys.of(rootKeyCrn),
      encryption: all[0]?.slot.encryption ?? bucket.encryption,
      current: all.some(({ slot }) => slot.id === bucket.slot),
      slots: all.map(({ slot }) => slot.id),
      opens: refusal === undefined,
      ...(refusal === undefined ? {} : { refusal }),
      ...(decision
        ? {
            authorization: {
              granted: decision.allowed,
              reason: decision.reason,
              decidedBy: decidedByOf(decision.reason),
            },
          }
        : {}),
    }
  })
}

/** What lets the instance of the bucket use the key, as the key's own door decides. Undefined for a service elsewhere. */
export function authorizationOf(
  { kms, iam, knowsKey }: Pick<AdminContext, 'kms' | 'iam' | 'knowsKey'>,
  { serviceInstanceCrn }: Pick<Bucket, 'serviceInstanceCrn'>,
  rootKeyCrn: string,
  without?: string,
): Decision | undefined {
  if (!kms || knowsKey(rootKeyCrn) === undefined) return undefined
  const { instance, resource } = parseCrn(rootKeyCrn)
  const decideBy: Iam['explain'] = (principal, action, target) => iam.explain(principal, action, target, without)
  const caller = {
    principal: iam.servicePrincipal(serviceInstanceCrn),
    instanceGuid: instance,
    origin: 'process',
  } as const
  return kms.explain(decideBy, caller, 'kms.secrets.unwrap', resource)
}
