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
    operation: 'CreateMultipartUpload',
    is: 'parts of an upload with a composite checksum may come without one: Coffer computes it',
    why: 'clients of before 2025 send none, and the object’s checksum is verified all the same',
  },
]
