import type { ResourceUse, S3Action, S3Operation } from '../operation.ts'
import type { S3Request } from '../request.ts'

/** What is done, as far as it tells which headers have an effect. */
export interface Deed {
  /** Of a form: as if its fields were headers. */
  readonly request: S3Request
  /** Undefined: none of S3. */
  readonly operation: Pick<S3Operation, 'name' | 'makes' | 'alsoUses'> | undefined
  readonly action: S3Action | undefined
  readonly said?: ResourceUse['said']
  /** Of a part and of a completion: what the headers said that the upload was begun with. */
  readonly begun?: Readonly<Record<string, string>> | undefined
}

/** Headers that say how a new object is to be, and are condition keys. An upload is begun with them; its parts bring none. */
export const DESCRIBING = [
  ...['x-amz-acl', 'x-amz-grant-full-control', 'x-amz-grant-read', 'x-amz-grant-read-acp', 'x-amz-grant-write-acp'],
  ...['x-amz-server-side-encryption', 'x-amz-server-side-encryption-aws-kms-key-id'],
  ...['x-amz-server-side-encryption-customer-algorithm'],
  ...['x-amz-storage-class', 'x-amz-website-redirect-location'],
  ...['x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date', 'x-amz-object-lock-legal-hold'],
] as const
const DESCRIBES: ReadonlySet<string> = new Set(DESCRIBING)

/** Of the request that begins an upload, for those that go on with it. */
export const describingHeaders = ({ headers }: Pick<S3Request, 'headers'>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    DESCRIBING.flatMap((name) => {
      const value = headers.get(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )

/** What the body says in a header's place, or else the header. Undefined also for one that has no effect here: it would promise what is not done. */
export function actingHeader(name: string, deed: Deed): readonly string[] | undefined {
  const { request, operation, action, said, begun } = deed
  const source = said ?? (begun && DESCRIBES.has(name) ? begun : undefined)
  const value = source ? source[name] : acts(name, operation, action) ? request.headers.get(name) : undefined
  return typeof value === 'string' ? [value] : value
}

const SSE = 'x-amz-server-side-encryption'
const GIVES_ACL = /^s3:(Put(Bucket|Object|ObjectVersion)Acl|CreateBucket)$/

function acts(name: string, operation: Deed['operation'], action: S3Action | undefined): boolean {
  const { makes } = operation ?? {}
  const describes = makes === 'object' || makes === 'upload'
  if (name === 'if-match' || name === 'if-none-match') return isCondition(name, operation, action)
  if (name === 'x-amz-copy-source') return operation?.alsoUses !== undefined
  if (name === 'x-amz-metadata-directive') return operation?.alsoUses !== undefined && makes === 'object'
  if (name === 'x-amz-acl' || name.startsWith('x-amz-grant-')) {
    return describes || (action !== undefined && GIVES_ACL.test(action))
  }
  if (name === 'x-amz-object-ownership') return action === 's3:CreateBucket'
  // Parts and their completion take it, too, of an upload of which nobody noted what it was begun with.
  if (name.startsWith(SSE) && !name.includes('-customer-')) return makes !== undefined && makes !== 'name'
  if (name.startsWith(SSE)) return makes === undefined ? isReading(action) : makes !== 'name'
  return describes
}

const isReading = (action: S3Action | undefined): boolean => action?.startsWith('s3:GetObject') === true

/** S3 has them for writing and deleting. An upload and its parts come before what they could be compared with. */
function isCondition(name: string, operation: Deed['operation'], action: S3Action | undefined): boolean {
  if (isObjectCreation(operation, action) === true) return true
  const deletes = action === 's3:DeleteObject' || action === 's3:DeleteObjectVersion'
  return name === 'if-match' && deletes && operation?.name === 'DeleteObject'
}

/** Of what takes `s3:PutObject`: does an object come of it? Undefined for anything else. */
export function isObjectCreation(operation: Deed['operation'], action: S3Action | undefined): boolean | undefined {
  if (action !== 's3:PutObject' || operation?.makes === undefined) return undefined
  return operation.makes !== 'upload' && operation.makes !== 'part'
}
