import type { Clock } from '../../../base/clock.ts'
import type { Iam } from '../../../iam/iam.ts'
import type { Objects, ObjectsService } from '../../../objects/objects.ts'
import type { AskS3, Circumstances, S3Question } from '../../common/s3-question.ts'
import type { FirewallTest } from '../firewall.ts'
import { keyAccess } from '../key-access.ts'
import type { ResourceUse, S3Action, S3Operation, StoreSettings } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { namesOfRootKey } from '../root-key-name.ts'
import { unsentRequest } from '../unsent-request.ts'
import { authoriser, type Decision } from './authorise.ts'
import { tagsOfRequest } from './request-uses.ts'

export interface AskingOptions {
  readonly objects: Pick<Objects, 'buckets' | 'onBehalfOf' | 'configurationOf' | 'document'>
  readonly iam: Pick<Iam, 'decide' | 'owner' | 'instances'>
  readonly clock: Clock
  readonly settings: Pick<StoreSettings, 'region' | 'serviceRootKeyCrn' | 'accountRootKey'>
  readonly firewall: FirewallTest
  readonly operations: readonly S3Operation[]
}

/** Puts a request together that nobody has sent, and lets the authoriser of requests decide about it. */
export function s3Asking({ objects, iam, clock, settings, firewall, operations }: AskingOptions): AskS3 {
  return async (question) => {
    const { principal, action, asker, circumstances = {} } = question
    const bucket = objects.buckets.get(question.bucket)
    const { sourceIp } = circumstances
    const operation = operationOf(operations, action)
    const request = requestOf(question, circumstances)
    const service = (): ObjectsService => {
      const own = objects.onBehalfOf(asker)
      return question.isTypical ? { ...own, known: typicalObject } : own
    }
    const { decide } = authoriser(
      {
        ...{ request, principal, isForm: false, operation, sourceIp, objects, service },
        requestTags: () => tagsOfRequest({ operation, request }),
        rootKeyNames: (keyName, of) =>
          namesOfRootKey(keyName, of, { objects: service(), settings, ...keyAccess(principal, iam) }),
      },
      { iam, clock, region: settings.region },
    )
    const { allowed, reason }: Decision = await decide(useOf(question))
    const wall = sourceIp === undefined ? undefined : firewall(objects.configurationOf(bucket).firewall, sourceIp)
    return allowed && wall !== undefined ? { allowed: false, reason: wall } : { allowed, reason }
  }
}

function useOf({ bucket, key, versionId, prefix, action }: S3Question): ResourceUse {
  return { bucket, action, key, versionId, prefix }
}

function requestOf({ bucket, key, versionId }: S3Question, { secure, headers, query }: Circumstances): S3Request {
  const asked = new Map(Object.entries(query ?? {}))
  if (versionId !== undefined) asked.set('versionId', versionId)
  const request = unsentRequest({ bucket, key, query: asked, headers: new Map(Object.entries(headers ?? {})) })
  return secure === undefined ? request : { ...request, secure }
}

/** What the action is the right to; of several operations the one that is called like it. */
function operationOf(operations: readonly S3Operation[], action: S3Action): UnsentOperation {
  const known = operations.filter((one) => one.action === action || one.versionAction === action)
  return known.find(({ name }) => `s3:${name}` === action) ?? known[0] ?? { name: 'Question' }
}

type UnsentOperation = Pick<S3Operation, 'name' | 'makes' | 'alsoUses' | 'alsoNeeds'>

/** As its bucket's owner would have put it. */
const typicalObject: ObjectsService['known'] = async () => ({
  ...{ blobId: Buffer.alloc(16), versionId: 'null', sizeBytes: 0, modifiedAtMs: 0, hasTags: false },
  tags: async () => [],
})
