import { type AppendInput, appendObject } from './append-object.ts'
import type { BodyInput } from './body-writer.ts'
import type { DocumentKind, Json } from './bucket-document.ts'
import { type BucketKeys, keyCall } from './bucket-keys.ts'
import { createBucket, deleteBucket, type NewBucket } from './bucket-lifecycle.ts'
import type { Bucket, Buckets } from './buckets.ts'
import { changeProperties, type KnownObject, knownObject } from './change-properties.ts'
import { sameBucket } from './commit-version.ts'
import { type CompletedObject, type CompleteInput, completeUpload } from './complete-upload.ts'
import type { Attributes } from './content.ts'
import type { Asker } from './data-key-audit.ts'
import { type Deleted, type DeleteTarget, deleteObject } from './delete-object.ts'
import type { Encrypting } from './encrypting.ts'
import type { Engine } from './engine.ts'
import type { ChangeTarget, VersionTarget } from './find-version.ts'
import { type ListVersionsQuery, listVersions, type VersionsPage } from './list-versions.ts'
import type { ListedObject, ListPage } from './listed-row.ts'
import { type ListQuery, type ListUploadsQuery, listObjects, listUploads } from './listing.ts'
import { changeHold, extendRetention, type RetentionChange, setLegalHold, setRetention } from './lock-object.ts'
import { type MoveTo, moveBucket } from './move-bucket.ts'
import { changeNotifications } from './notifications/change.ts'
import type { NotificationConfiguration } from './notifications/configuration.ts'
import type { ObjectProperties } from './object-properties.ts'
import { type OpenObject, type OpenOptions, openObject } from './open-object.ts'
import type { Extension } from './protection.ts'
import { type PutInput, type PutResult, putObject } from './put-object.ts'
import type { Initiator, Versioning } from './records.ts'
import { type RenameInput, renameObject } from './rename-object.ts'
import { keepKeys } from './renew-registrations.ts'
import type { Rewraps } from './rewraps.ts'
import { setVersioning } from './set-versioning.ts'
import { type EncryptionUpdate, updateEncryption } from './update-encryption.ts'
import { type SaidOfUpload, saidOfUpload } from './upload-said.ts'
import {
  abortUpload,
  type CreatedUpload,
  createUpload,
  findUpload,
  type ListedUpload,
  partsAfter,
  type Upload,
  type UploadChecksum,
  type UploadedPart,
  uploadPart,
} from './uploads.ts'

interface Target {
  readonly bucket: Bucket
  readonly key: string
}

/**
 * The object engine: what every protocol serves, for one asker. Throws ObjectsError, the key provider's five codes and
 * AuditUnavailable.
 */
export interface ObjectsService {
  readonly buckets: Pick<Buckets, 'find' | 'get' | 'all' | 'damaged'>
  readonly createBucket: (input: NewBucket) => Promise<Bucket>
  readonly deleteBucket: (bucket: Bucket) => Promise<void>
  readonly put: (input: PutInput) => Promise<PutResult>
  /** Adds bytes to the end of an object. Throws InvalidWriteOffset, TooManyParts, AppendRefused. */
  readonly append: (input: AppendInput) => Promise<PutResult>
  /** Gives an object another name in its bucket. Throws NoSuchKey, RenameRefused, RenameTokenUsed. */
  readonly rename: (input: RenameInput) => Promise<void>
  readonly open: (target: VersionTarget & OpenOptions) => Promise<OpenObject>
  readonly delete: (target: DeleteTarget) => Promise<Deleted>
  readonly list: (query: ListQuery) => Promise<ListPage<ListedObject>>
  readonly listVersions: (query: ListVersionsQuery) => Promise<VersionsPage>
  /** Durable when it resolves: what is written from then on is a version, or takes the place of the null version. */
  readonly setVersioning: (bucket: Bucket, versioning: Versioning) => Promise<Bucket>
  /** Of an object version in a bucket with Object Lock. */
  readonly setRetention: (change: RetentionChange) => Promise<void>
  readonly setLegalHold: (change: ChangeTarget & { readonly legalHold: boolean }) => Promise<void>
  /** Of an object in a protected bucket. */
  readonly extendRetention: (change: ChangeTarget & { readonly by: Extension }) => Promise<void>
  readonly changeHold: (change: ChangeTarget & { readonly id: string; readonly act: 'add' | 'remove' }) => Promise<void>
  readonly createUpload: (
    target: Target & {
      readonly attributes: Attributes
      readonly checksum?: UploadChecksum
      readonly properties?: ObjectProperties
      readonly encrypting?: Encrypting
      readonly initiator?: Initiator | undefined
      /** Headers, by lower-case name, that whoever is asked about its parts may want to know. */
      readonly said?: Readonly<Record<string, string>>
    },
  ) => Promise<CreatedUpload>
  readonly findUpload: (target: Target & { readonly uploadId: string }) => Promise<Upload>
  /** Needs the root key where anything was said. */
  readonly saidOfUpload: (upload: Upload) => Promise<SaidOfUpload>
  readonly uploadPart: (upload: Upload, number: number, body: BodyInput, customerKey?: Buffer) => Promise<UploadedPart>
  readonly listParts: (upload: Upload, after: number, limit: number) => Promise<UploadedPart[]>
  readonly listUploads: (query: ListUploadsQuery) => Promise<ListPage<ListedUpload>>
  readonly completeUpload: (input: CompleteInput) => Promise<CompletedObject>
  readonly abortUpload: (target: Target & { readonly uploadId: string }) => Promise<void>
  /** Undefined when there is no such object. Needs no key, but for the tags. */
  readonly known: (target: VersionTarget) => Promise<KnownObject | undefined>
  readonly changeProperties: (
    target: ChangeTarget,
    next: (now: ObjectProperties) => ObjectProperties,
  ) => Promise<{ readonly versionId: string }>
  /** A subresource of a bucket; undefined when it was never set. */
  readonly document: (bucket: Pick<Bucket, 'id'>, kind: DocumentKind) => Json | undefined
  /** Atomic, and durable when it resolves; undefined removes it, and `next` may throw. Every request after that sees it. */
  /** The subscriptions of a bucket; each is told that it was made, unless that is not to be tested. */
  readonly changeNotifications: (
    bucket: Bucket,
    next: NotificationConfiguration | undefined,
    options?: { readonly untested?: boolean },
  ) => Promise<void>
  readonly changeDocument: (
    bucket: Bucket,
    kind: DocumentKind,
    next: (now: Json | undefined) => Json | undefined,
  ) => Promise<Json | undefined>
  /** CRN of a root key that the bucket's service may wrap with now, from one that may name it by an alias. */
  readonly findRootKey: (bucket: Pick<Bucket, 'serviceInstanceCrn'>, named: string) => Promise<string>
  /** Puts one object under another root key. Throws TooManyKeys. */
  readonly updateEncryption: (update: EncryptionUpdate) => Promise<void>
  /** Puts a bucket under another root key; what is there already is rewrapped in the background, or sealed anew. */
  readonly moveBucket: (
    bucket: Bucket,
    to: MoveTo,
    options?: { readonly reencrypt?: boolean | undefined },
  ) => Promise<Bucket>
}

/** What `openObjects` opens, for a service. */
export interface ServiceParts {
  readonly engine: Engine
  readonly keysFor: (asker: Asker) => BucketKeys
  readonly beginRewrap: Rewraps['beginWith']
}

export function objectsService({ engine, keysFor, beginRewrap }: ServiceParts, asker: Asker): ObjectsService {
  const { provider, buckets, byName, documents } = engine
  const keys = keysFor(asker)
  return {
    buckets,
    createBucket: (input) => byName.run(input.name, () => createBucket(engine, keys, input)),
    deleteBucket: (bucket) => byName.run(bucket.name, () => deleteBucket(engine, sameBucket(engine, bucket))),
    put: (input) => putObject(engine, keys, input),
    append: (input) => appendObject(engine, keys, input),
    rename: (input) => renameObject(engine, keys, input),
    open: ({ customerKey, asSealed, ...target }) => openObject(engine, keys, target, { customerKey, asSealed }),
    delete: (target) => deleteObject(engine, keys, target),
    list: (query) => listObjects(engine, keys, query),
    listVersions: (query) => listVersions(engine, keys, query),
    setVersioning: (bucket, versioning) => byName.run(bucket.name, () => setVersioning(engine, bucket, versioning)),
    setRetention: (change) => setRetention(engine, keys, change),
    setLegalHold: (change) => setLegalHold(engine, keys, change),
    extendRetention: (change) => extendRetention(engine, keys, change),
    changeHold: (change) => changeHold(engine, keys, change),
    createUpload: (target) => createUpload(engine, keys, target),
    findUpload: ({ bucket, key, uploadId }) => findUpload(engine, bucket, key, uploadId),
    saidOfUpload: (upload) => saidOfUpload(engine, keys, upload),
    uploadPart: (upload, number, body, customerKey) => uploadPart(engine, keys, upload, number, body, customerKey),
    listParts: (upload, after, limit) => partsAfter(engine, keys, upload, after, limit),
    listUploads: (query) => listUploads(engine, query),
    completeUpload: (input) => completeUpload(engine, keys, input),
    abortUpload: (target) => abortUpload(engine, target),
    known: (target) => knownObject(engine, keys, target),
    changeProperties: (target, next) => changeProperties(engine, keys, target, next),
    document: documents.get,
    changeNotifications: (bucket, next, options) =>
      byName.run(bucket.name, () => changeNotifications(engine, keys, bucket, next, options)),
    changeDocument: (bucket, kind, next) =>
      byName.run(bucket.name, async () => {
        const document = await documents.change(bucket, kind, next)
        if (kind === 'objectLock' || kind === 'protection') await keepKeys(engine, sameBucket(engine, bucket))
        return document
      }),
    findRootKey: async ({ serviceInstanceCrn }, rootKeyCrn) => {
      return (await provider.find(keyCall({ rootKeyCrn, serviceInstanceCrn }, asker))).crn
    },
    updateEncryption: (update) => updateEncryption(engine, keys, update),
    moveBucket: async (bucket, to, options) => {
      const moved = await beginRewrap(
        bucket,
        (write) => byName.run(bucket.name, () => moveBucket(engine, keys, bucket, to, [write])),
        options,
      )
      return moved ?? bucket
    },
  }
}
