import { z } from 'zod'
import type { ReadLine } from '../../../audit/read-log.ts'
import { parseCrn } from '../../../base/crn.ts'
import type { Iam } from '../../../iam/iam.ts'
import { decidedBy, decidedByOf } from '../../common/decided-by.ts'

const text = z.string().optional()

/** A line of the audit log, and what a sentence about it is made of. */
export const activityEntry = z.looseObject({
  ...{ seq: z.int(), time: z.string(), hash: z.string() },
  kind: z.string().meta({ description: '`key`, `data-key`, `iam` or `activity`.' }),
  action: z.string(),
  outcome: z.enum(['success', 'failure']),
  ...{ code: text, reason: text, account: text, iamId: text, service: text, target: text, object: text },
  ...{
    key: text,
    keyVersion: text,
    use: text,
    dataKey: text,
    why: text,
    requestId: text,
    correlationId: text,
    sourceIp: text,
  },
  said: z
    .object({
      who: z.object({ id: text, name: text, kind: text }),
      did: z.string().meta({ description: 'A verb phrase: `read`, `disabled a root key`.' }),
      what: z.object({ bucket: text, object: text, rootKey: text, name: text }),
      decidedBy: decidedBy.optional(),
    })
    .meta({ description: 'The parts of a plain sentence about it.' }),
})
export type ActivityEntry = z.output<typeof activityEntry>

/** Made once: making it costs ten times as much as using it. */
const activityLine = activityEntry.omit({ said: true })

export function entryOf({ record }: ReadLine, account: string, iam: Pick<Iam, 'principal'>): ActivityEntry | undefined {
  const { type: _, ...members } = record
  const parsed = activityLine.safeParse(members)
  if (!parsed.success) return undefined
  const line = parsed.data
  const { iamId, reason } = line
  return {
    ...line,
    said: {
      who: whoOf(iamId, account, iam),
      did: verbOf(line.action, line.use),
      what: whatOf(line),
      ...(reason === undefined ? {} : { decidedBy: decidedByOf(reason) }),
    },
  }
}

function whoOf(id: string | undefined, account: string, iam: Pick<Iam, 'principal'>): ActivityEntry['said']['who'] {
  if (id === undefined) return { name: 'somebody unknown' }
  if (id === 'coffer') return { id, name: 'Coffer', kind: 'server' }
  if (id === 'anonymous') return { id, name: 'anybody', kind: 'anonymous' }
  const known = iam.principal(account, id)
  if (!known) return { id, ...(id.startsWith('crn-') ? { kind: 'service' } : {}) }
  const { kind, principal } = known
  return { id, kind, ...('name' in principal ? { name: principal.name } : {}) }
}

interface Target {
  readonly target?: string | undefined
  readonly object?: string | undefined
  readonly key?: string | undefined
}

function whatOf({ target, object, key }: Target): ActivityEntry['said']['what'] {
  const at = target === undefined ? undefined : partsOf(target)
  const rootKey = key ?? (at?.service === 'kms' && at.resourceType === 'key' ? target : undefined)
  const bucket = at?.resourceType === 'bucket' ? at.resource : undefined
  return {
    ...(bucket === undefined ? {} : { bucket }),
    ...(object === undefined ? {} : { object }),
    ...(rootKey === undefined ? {} : { rootKey }),
    ...(bucket === undefined && rootKey === undefined && target !== undefined && !isOfConsole(target)
      ? { name: target }
      : {}),
  }
}

/** A path, where the words say it all. */
const isOfConsole = (target: string): boolean => target.startsWith('/ui/')

function partsOf(crn: string) {
  try {
    return parseCrn(crn)
  } catch {
    return undefined
  }
}

const VERBS: Readonly<Record<string, string>> = {
  's3.GetObject': 'read',
  's3.HeadObject': 'looked at',
  's3.HeadBucket': 'looked at the bucket',
  's3.CopyObject': 'copied',
  's3.DeleteObjects': 'deleted objects of',
  's3.CreateMultipartUpload': 'began to upload',
  's3.UploadPart': 'uploaded a part of',
  's3.CompleteMultipartUpload': 'uploaded',
  's3.AbortMultipartUpload': 'gave up uploading',
  's3.PutObject': 'wrote',
  's3.DeleteObject': 'deleted',
  's3.ListObjects': 'listed',
  's3.ListObjectsV2': 'listed',
  's3.ListObjectVersions': 'listed the versions of',
  's3.CreateBucket': 'made the bucket',
  's3.DeleteBucket': 'deleted the bucket',
  'kms.secrets.list': 'listed the root keys of',
  'kms.secrets.head': 'counted the root keys of',
  'kms.secrets.read': 'read the root key',
  'kms.secrets.patch': 'changed the key ring of the root key',
  'kms.secrets-metadata.read': 'looked at the root key',
  'kms.secrets-key-versions.list': 'listed the versions of the root key',
  'kms.key-rings.list': 'listed the key rings of',
  'kms.key-rings.create': 'made a key ring in',
  'kms.key-rings.delete': 'deleted a key ring of',
  'kms.instance-policies.read': 'looked at the policies of',
  'kms.instance-policies.write': 'changed the policies of',
  'kms.import-token.create': 'made an import token of',
  'kms.import-token.read': 'read the import token of',
  'kms.secrets.create': 'made a root key',
  'kms.secrets.delete': 'deleted the root key',
  'kms.secrets.restore': 'restored the root key',
  'kms.secrets.rotate': 'rotated the root key',
  'kms.secrets.disable': 'disabled the root key',
  'kms.secrets.enable': 'enabled the root key',
  'kms.secrets.purge': 'purged the root key',
  'kms.secrets.setkeyfordeletion': 'set the root key for deletion',
  'kms.secrets.unsetkeyfordeletion': 'withdrew the deletion of the root key',
  'kms.secrets-with-policy-overrides.create': 'made a root key',
  'kms.secrets-alias.create': 'gave the root key an alias',
  'kms.secrets-alias.delete': 'took an alias from the root key',
  'kms.policies.read': 'looked at the policies of the root key',
  'kms.policies.write': 'changed the policies of the root key',
  'kms.registrations.list': 'listed what is under keys of',
  'kms.registrations.create': 'came under the root key',
  'kms.registrations.delete': 'left the root key',
  'iam.bootstrap.apply': 'took in the bootstrap file',
  'kms.secrets.wrap': 'wrapped under the root key',
  'kms.secrets.unwrap': 'unwrapped with the root key',
  'kms.secrets.rewrap': 'rewrapped under the root key',
  'iam.policy.create': 'made a policy',
  'iam.policy.update': 'changed a policy',
  'iam.policy.delete': 'deleted a policy',
  'iam.CreateToken': 'signed in',
  'iam.SignIn': 'signed in at the console',
  'iam.SignOut': 'signed out of the console',
  'store.rewrap': 'rewrapped',
  'store.reencrypt': 're-encrypted',
  'admin.CreateShareLink': 'made a link to',
  'admin.MoveBucket': 'moved the bucket under another key,',
  'admin.KeepEncryption': 'left under the key that it was under',
  'admin.StartRewrap': 'began to rewrap',
  'admin.PauseRewrap': 'paused the rewrap of',
  'admin.CancelRewrap': 'cancelled the rewrap of',
  'admin.ResumeRewrap': 'resumed the rewrap of',
  'admin.StartScrub': 'began to look for damage',
}

/** `CompleteMultipartUpload` is no worse a phrase than most; what has a better one is in the table. */
export function verbOf(action: string, use?: string): string {
  const known = VERBS[action]
  if (known !== undefined) return known
  const name = action.slice(action.indexOf('.') + 1)
  const words = name
    .replace(/[._-]/g, ' ')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
  return use === undefined ? words : `${words} (${use})`
}
