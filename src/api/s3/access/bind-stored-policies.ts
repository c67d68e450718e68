import { parsePolicy } from '../../../access/policy.ts'
import { type Directory, principalIdsOfOld } from '../../../access/principal-ids.ts'
import type { AwsIdentities } from '../../../iam/aws/aws-identities.ts'
import type { Account } from '../../../iam/records.ts'
import type { Objects } from '../../../objects/objects.ts'
import { bucketPolicy } from './documents.ts'

export interface StoredPolicies {
  readonly objects: Pick<Objects, 'document' | 'changeDocument'> & { readonly buckets: Pick<Objects['buckets'], 'all'> }
  readonly iam: { readonly accounts: () => readonly Account[]; readonly aws: AwsIdentities }
  readonly onError: (error: unknown) => void
}

/**
 * Policies of earlier releases know users and roles by their names alone. From now on they mean who has the name today;
 * one that cannot be read, or written, stays as it is.
 */
export async function bindStoredPolicies({ objects, iam, onError }: StoredPolicies): Promise<void> {
  const { uniqueIds, roles } = iam.aws
  for (const bucket of objects.buckets.all()) {
    try {
      const stored = bucketPolicy.of(objects, bucket)
      if (!stored || stored.ids) continue
      const ids = principalIdsOfOld(parsePolicy(stored.text, { of: 'bucket', bucket: bucket.name }), uniqueIds)
      await bucketPolicy.change(objects, bucket, (now) => (now?.text === stored.text ? { ...stored, ids } : now))
    } catch (error) {
      onError(error)
    }
  }
  for (const { id: accountId } of iam.accounts()) {
    for (const { name, trust, trustIds } of roles.list(accountId)) {
      if (trustIds) continue
      try {
        const ids = idsOfTrust(trust, uniqueIds)
        await roles.change(accountId, name, (role) => (role.trust === trust ? { ...role, trustIds: ids } : role))
      } catch (error) {
        onError(error)
      }
    }
  }
}

const idsOfTrust = (trust: string, directory: Directory) =>
  principalIdsOfOld(parsePolicy(trust, { of: 'role' }), directory)
