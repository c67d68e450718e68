export interface Deviation {
  /** Empty: of more than one. */
  readonly operation: string
  readonly is: string
  readonly why: string
}

/** Where Coffer answers otherwise than AWS on purpose. */
export const DEVIATIONS: readonly Deviation[] = [
  {
    operation: 'PutObjectTagging',
    is: 'more than 10 tags in a document are InvalidTag, with AWS’s message; AWS says BadRequest, as Coffer does for the header',
    why: 'the public suite of tests asks for it',
  },
  {
    operation: '',
    is: 'every answer of a bucket with CORS rules has Vary: Origin; AWS sends it when a rule matched',
    why: 'a cache would give one origin the answer for another',
  },
  {
    operation: 'GetObjectAttributes',
    is: 'parts are told of every object that was uploaded in parts; AWS tells them of those with checksums',
    why: 'the public suite of tests asks for it, and nothing speaks against it',
  },
  {
    operation: 'GetObjectAttributes',
    is: 'a composite checksum ends with the number of parts (`-N`), as everywhere else; AWS leaves that out here',
    why: 'the public suite of tests compares it with what CompleteMultipartUpload answered',
  },
  {
    operation: 'PutBucketRequestPayment',
    is: 'nobody is billed: x-amz-request-payer is taken and changes nothing, x-amz-request-charged is never answered',
    why: 'a header that was not performed is not echoed',
  },
  {
    operation: 'PutBucketAccelerateConfiguration',
    is: 'Enabled is refused with NotImplemented; Suspended is kept',
    why: 'there are no edge locations',
  },
  {
    operation: 'PutBucketAnalyticsConfiguration',
    is: 'one with a DataExport is refused with NotImplemented',
    why: 'no report would ever come',
  },
  {
    operation: 'RenameObject',
    is: 'in any bucket without versions, InvalidRequest in others; at AWS in directory buckets only. The bytes are sealed anew, for an object’s keys are bound to its name. It needs the rights to read and delete the one and to write the other',
    why: 'nobody reads under another name what he may not read',
  },
  {
    operation: 'RestoreObject',
    is: 'InvalidObjectState for every object',
    why: 'every storage class of Coffer is a store that is read at once',
  },
  {
    operation: 'PutObject',
    is: 'x-amz-write-offset-bytes appends in any bucket without versions, InvalidRequest in others; at AWS in directory buckets only. Content headers of an append are not taken, others that speak of the whole object are refused. SHA checksums become composite',
    why: 'bytes are added without reading what is there; the hash of all of them could not be told',
  },
  {
    operation: '',
    is: 'signature version 2 is refused, but in browser forms',
    why: 'AWS ended it; HMAC-SHA1 over a request says too little of it',
  },
  {
    operation: 'PutObject',
    is: 'a bucket without ACLs takes one from its owner that changes nothing (full control for himself alone), here and in PutObjectAcl and PutBucketAcl',
    why: 's3cmd sets a copy’s ACL to that of its source; AWS refuses it',
  },
  {
    operation: 'PutObject',
    is: 'If-None-Match takes an ETag as well as `*`, as CompleteMultipartUpload does; then it needs s3:GetObject, as If-Match does',
    why: 'RFC 9110 says what it means; AWS answers 501',
  },
  {
    operation: 'DeleteObject',
    is: 'the conditions of size and date, which AWS has for directory buckets only, hold in every bucket, in DeleteObjects too',
    why: 'to ignore them would delete what the client meant to keep',
  },
  {
    operation: 'CreateMultipartUpload',
    is: 'parts of an upload with a composite checksum may come without one: Coffer computes it',
    why: 'clients of before 2025 send none, and the object’s checksum is verified all the same',
  },
  {
    operation: 'PutBucketEncryption',
    is: 'the root key must exist and be usable by whoever names it; AWS looks at it with the first object only',
    why: 'a default that refuses every write is found when it is set, and nobody binds a key that he may not use',
  },
  {
    operation: 'PutBucketPolicy',
    is: 'statements of one policy may have the same Sid',
    why: 'the public suite of tests sends such; nothing is decided by a Sid, it is told where a statement decided',
  },
  {
    operation: 'PutBucketPolicy',
    is: 'an Allow whose actions do not apply to its resources is taken, and gives nothing; a Deny is refused as by AWS',
    why: 'the public suite puts one; only a Deny would seem to protect what it does not',
  },
  {
    operation: 'PutObject',
    is: 'another account that may put objects needs no s3:PutObjectAcl of the bucket’s policy to send an ACL with what will be its own; its own account must give it, and a Deny counts',
    why: 'the public suite of tests asks for it, and an object’s owner may change its ACL anyway',
  },
  {
    operation: 'UploadPart',
    is: 'x-amz-server-side-encryption and its key, be there such a one or not, are taken, also with CompleteMultipartUpload, and mean nothing: the upload’s own count',
    why: 'clients send them with every step, and the public suite names a key that there is not; the answer tells what is done',
  },
  {
    operation: 'CompleteMultipartUpload',
    is: 'of an upload with a customer’s key (SSE-C) it needs that key',
    why: 'the manifest of the object is sealed with it, too',
  },
  {
    operation: '',
    is: 'a root key is told by the name that the writer gave it (CRN, alias, id or ARN); its CRN is told by ibm-sse-kp-customer-root-key-crn',
    why: 'there is one name for each kind of client',
  },
  {
    operation: '',
    is: 'customers’ keys (SSE-C) are taken over plain HTTP, unless a setting says otherwise',
    why: 'TLS may end at a proxy',
  },
  {
    operation: '',
    is: 'the ETag is the MD5 of the content under customer-managed root keys, too; not with SSE-C',
    why: 'as IBM answers',
  },
  {
    operation: 'PutBucketReplication',
    is: 'ExistingObjectReplication, ReplicaModifications, ReplicationTime and Metrics are refused with NotImplemented when Enabled; Role is not assumed, and may be missing: whoever puts the configuration must be allowed to read what goes, and to write it to a bucket of this store; replicas belong to the owner of their bucket; objects with SSE-C are not replicated',
    why: 'nothing is promised that would not be done, there are no roles of services, and nobody here has the keys of SSE-C',
  },
  {
    operation: 'PutBucketReplication',
    is: 'FAILED versions are tried again for a week, and become COMPLETED; AWS leaves them',
    why: 'what was mended at the destination should not leave holes',
  },
  {
    operation: 'PutBucketLogging',
    is: 'a line has 26 fields; AWS has since added the region that a request came from',
    why: 'it is not known here, and the public suite of tests counts the fields',
  },
  {
    operation: 'PutBucketInventoryConfiguration',
    is: 'reports are CSV; ORC, Parquet, an encryption of their own, and the fields of encryption, Object Lock, tiers and ACLs are refused with NotImplemented',
    why: 'a report is encrypted as its bucket is, and nothing is promised that would not be in it',
  },
  {
    operation: 'PutBucketNotificationConfiguration',
    is: 'targets are webhooks and NATS subjects of the settings; EventBridgeConfiguration is refused with NotImplemented',
    why: 'there is no EventBridge',
  },
  {
    operation: 'PutBucketLifecycleConfiguration',
    is: 'objects of any size move, unless x-amz-transition-default-minimum-object-size was given; at AWS none below 128 KB',
    why: 'a transition costs nothing here, and the public suite of tests moves small objects',
  },
]
