import type { Directory } from '../../access/principal-ids.ts'
import type { Instance } from '../../iam/instances.ts'
import type { Bucket } from '../../objects/buckets.ts'
import type { Tag } from '../../objects/object-properties.ts'
import type { ObjectsService } from '../../objects/objects.ts'
import type { PermitWatch } from '../../objects/while-permitted.ts'
import type { AccountDirectory } from './access/directory.ts'
import type { BucketDefaults } from './access/new-bucket.ts'
import type { Asking } from './anonymous.ts'
import { S3Error } from './error-codes.ts'
import type { RequestBody, S3Request } from './request.ts'

/** Bytes that are made as they are sent. */
export interface StreamedBody {
  /** The rest, read anew when what was read ahead for a slow client has been let go. One at a time. */
  readonly from: (sentBytes: number) => AsyncIterable<Buffer>
  /** Once nothing more will be read. */
  readonly close: () => Promise<void>
}

export type ReplyBody = string | Buffer | StreamedBody

export interface S3Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | number | undefined>>
  /** A stream must come with a content-length header. */
  readonly body?: ReplyBody
  /** To be held while the body is on its way: aborts, with the reason, when it may not be sent on; the connection is reset. */
  readonly watch?: () => PermitWatch
  /** Not sent: for the access log. */
  readonly outcomes?: readonly KeyOutcome[]
}

/** What became of one key of a request that names many. */
export interface KeyOutcome {
  readonly key: string
  readonly versionId: string | undefined
  readonly status: number
  readonly code: string | undefined
}

export interface Owner {
  readonly id: string
  readonly displayName: string
}

export interface SignedForm {
  /** With `${filename}` replaced. */
  readonly key: string
  /** Lower-case names; every one is covered by the policy. */
  readonly fields: ReadonlyMap<string, string>
  /** Of the file's own part. */
  readonly contentType: string
}

/** Who asks, after verification. */
export interface Caller {
  readonly principal: Asking
  /** CRN of the object storage instance that the caller acts in: new buckets belong to it, ListBuckets shows its buckets. '' for nobody. */
  readonly serviceInstanceCrn: string
  readonly owner: Owner
  readonly body: RequestBody
  /** Only for a browser's POST: the form that carried the signature; `body` is its file. */
  readonly form?: SignedForm
}

export interface ReplicationTargetName {
  readonly name: string
  /** Whose buckets may be replicated there; empty: everybody's. */
  readonly accounts: readonly string[]
}

/** What the store is set up as, where an operation needs to know. */
export interface StoreSettings {
  /** The region that this endpoint answers for. */
  readonly region: string
  /** Root key of provider-managed buckets. */
  readonly serviceRootKeyCrn: string
  /** Whom notifications can be sent to: `<name>:<kind>`, as their ARNs end. */
  readonly notificationTargets: readonly string[]
  /** Where buckets can be replicated to, beside other buckets of this store. */
  readonly replicationTargets: readonly ReplicationTargetName[]
  /** Names of the classes that objects can have: each is a store of its own. */
  readonly storageClasses: readonly string[]
  /** Root key of an account for whoever asks for one and names none. */
  readonly accountRootKey: (accountId: string) => Promise<string>
  /** May keys of customers (SSE-C) come over a connection that everybody on the way can read? */
  readonly customerKeysOverHttp: boolean
  /** How closed a new bucket is that says nothing of it. */
  readonly bucketDefaults: BucketDefaults
}

/** What one operation may touch, handed in by the handler after authentication and authorisation. */
export interface OperationContext extends Caller {
  readonly request: S3Request
  /** On the caller's behalf. */
  readonly objects: ObjectsService
  readonly settings: StoreSettings
  /** May the caller himself see this root key, for a bucket of that account? Otherwise a tenant could bind a foreign key and use the store as deputy. */
  readonly mayUseRootKey: (rootKeyCrn: string, bucketAccountId: string) => boolean
  /** Key management instances of the caller's account that are known here; none of another account. */
  readonly keyInstances: (accountId: string) => readonly Instance[]
  readonly accounts: AccountDirectory
  /** Does the bucket's firewall keep replication out? */
  readonly isWalled: (bucket: Bucket) => boolean
  /** Of the caller, for what is done later. Undefined: nobody could be held to it. */
  readonly mandate: () => string | undefined
  /** Whom the ARNs of policies mean. */
  readonly identities: Directory
  /** Is the caller allowed this, too? For what is done, or told, only to those who are. */
  readonly may: (use: ResourceUse) => Promise<boolean>
  /** Throws AccessDenied when not. */
  readonly require: (use: ResourceUse) => Promise<void>
}

export type S3Action = `s3:${string}`

export interface ResourceUse {
  /** What it is done along with: an ACL, which knows few actions, gives it with that one (tags with the form that uploads). */
  readonly within?: S3Action
  /** It is about an object that the requester is making, and that is thus its own: nobody else may have it, or somebody may. */
  readonly making?: 'private' | 'shared'
  readonly bucket: string
  /** Of the object. */
  readonly key?: string | undefined
  /** `key` stands for objects that are to come: what lies there by chance is none of them. */
  readonly isPattern?: true
  readonly versionId?: string | undefined
  /** That a listing would be asked for with. */
  readonly prefix?: string | undefined
  /** What is said in another place than the headers that could say it: by their names. Then these do not count. */
  readonly said?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined
  /** Of a bucket that is to be made: the location constraint that the body gives it. */
  readonly location?: string | undefined
  /** That the body gives to the object; without them, those of the headers count. */
  readonly requestTags?: readonly Tag[] | undefined
  /** That the body gives to the bucket. */
  readonly bucketTags?: readonly Tag[] | undefined
  readonly action: S3Action
}

/** Ignoring one of them would act upon something else than the client named. */
export const SELECTORS = ['versionId', 'partNumber'] as const
export type Selector = (typeof SELECTORS)[number]

export interface S3OperationSpec<Input> {
  /** Name in the S3 API: metrics label, audit name, coverage table. */
  readonly name: string
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly on: 'service' | 'bucket' | 'object'
  /** Query parameters whose presence selects the operation. */
  readonly query?: Readonly<Record<string, true>>
  /** Headers whose presence selects the operation (x-amz-copy-source). */
  readonly headers?: readonly string[]
  /** Parameters that single out a version or a part, beside those in `query`. Any other operation refuses them. */
  readonly takes?: readonly Selector[]
  /** The body is what is stored: a request that doesn't say how long it is answers MissingContentLength. */
  readonly storesBody?: true
  readonly action: S3Action
  /** In place of `action` when a version is named. */
  readonly versionAction?: S3Action
  /**
   * For conditions of policies: an `object` as the headers describe it, an `upload` that they describe, a `part` of one, an
   * object by `completion` of one, or a `name` for an object that there is.
   */
  readonly makes?: 'object' | 'upload' | 'part' | 'completion' | 'name'
  /** What is done depends on the body: once it is read the operation asks, by `require` or `may`. Before, only who could never be let in is refused. */
  readonly asksItself?: true
  /** Further permissions on the same resource, by what else the request asks for, e.g. tags. */
  readonly alsoNeeds?: (request: S3Request, form?: SignedForm) => readonly S3Action[]
  /** A permission on another resource, e.g. reading the source of a copy. */
  readonly alsoUses?: (request: S3Request) => ResourceUse
  readonly parse: (request: S3Request) => Input
  readonly run: (input: Input, context: OperationContext) => Promise<S3Reply>
}

export interface S3Operation extends Omit<S3OperationSpec<never>, 'parse' | 'run'> {
  /** Parses, then hands back the rest: a bad request fails before the body is read and before anything happens. */
  readonly prepare: (request: S3Request) => (context: OperationContext) => Promise<S3Reply>
}

/** Closes over the input type, so that the table of operations is homogeneous and needs no casts. */
export function defineOperation<Input>(spec: S3OperationSpec<Input>): S3Operation {
  const { parse, run, ...rest } = spec
  return {
    ...rest,
    prepare: (request) => {
      if (spec.storesBody) checkLengthGiven(request)
      const input = parse(request)
      return (context) => run(input, context)
    },
  }
}

/** Without a length HTTP has no body, and the object that the client meant would be replaced by an empty one. */
function checkLengthGiven({ headers }: S3Request): void {
  if (!headers.has('content-length') && !headers.has('transfer-encoding')) throw new S3Error('MissingContentLength')
}
