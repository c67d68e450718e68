import type { Bucket } from '../../../objects/buckets.ts'
import { abortDue, expirationDue } from '../../../objects/lifecycle/due.ts'
import { appliesButForTags, lifecycleFrom, rulesFor } from '../../../objects/lifecycle/rule.ts'
import type { Tag } from '../../../objects/object-properties.ts'
import type { ObjectsService } from '../../../objects/objects.ts'
import { encodeComponent } from '../uri.ts'

type Headers = Readonly<Record<string, string>>
type Documents = Pick<ObjectsService, 'document'>

interface Stored {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  readonly tags: () => Promise<readonly Tag[]>
}

/** When the current version of an object expires, and by which rule. */
export async function expirationHeader(objects: Documents, bucket: Bucket, object: Stored): Promise<Headers> {
  const configuration = lifecycleFrom(objects.document(bucket, 'lifecycle'))
  if (!configuration) return {}
  const rules = configuration.rules.filter(({ expiration }) => expiration !== undefined)
  const due = expirationDue(await rulesFor(rules, object), object.modifiedAtMs)
  if (!due) return {}
  const date = new Date(due.atMs).toUTCString()
  return { 'x-amz-expiration': `expiry-date="${date}", rule-id="${encodeComponent(due.rule.id)}"` }
}

/** When an upload that is not completed is aborted. */
export function abortHeaders(objects: Documents, bucket: Bucket, key: string, createdAtMs: number): Headers {
  const rules = lifecycleFrom(objects.document(bucket, 'lifecycle'))?.rules ?? []
  const due = abortDue(
    rules.filter((rule) => appliesButForTags(rule, key)),
    createdAtMs,
  )
  if (!due) return {}
  return {
    'x-amz-abort-date': new Date(due.atMs).toUTCString(),
    'x-amz-abort-rule-id': encodeComponent(due.rule.id),
  }
}

/** Of an object that was just stored. What cannot be said of it by now is left out: the write succeeded. */
export async function expirationOfStored(
  objects: Documents & Pick<ObjectsService, 'known'>,
  { bucket, key }: { readonly bucket: Bucket; readonly key: string },
): Promise<Headers> {
  if (objects.document(bucket, 'lifecycle') === undefined) return {}
  try {
    const known = await objects.known({ bucket, key })
    return known ? await expirationHeader(objects, bucket, { ...known, key }) : {}
  } catch {
    return {}
  }
}
