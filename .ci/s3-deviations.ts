export interface Deviation {
  /** Empty: of more than one. */
  readonly operation: string
  readonly is: string
  readonly why: string
}

/** Where Coffer answers otherwise than AWS on purpose. */
export const DEVIATIONS: readonly Deviation[] = [
  {
    operation: '',
    is: 'signature version 2 is refused, but in browser forms',
    why: 'AWS ended it; HMAC-SHA1 over a request says too little of it',
  },
  {
    operation: 'PutObject',
    is: 'If-None-Match takes an ETag as well as `*`, as CompleteMultipartUpload does',
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
    operation: 'UploadPart',
    is: 'x-amz-server-side-encryption and its key are taken, also with CompleteMultipartUpload, and mean nothing: the upload’s own count',
    why: 'clients send them with every step; the answer tells what is done',
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
]
