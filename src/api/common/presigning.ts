/** A link that gets an object, to be signed. */
export interface Presigning {
  readonly credential: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** `https://s3.example.com`: what clients send as Host is signed. */
  readonly endpoint: string
  readonly region: string
  readonly bucket: string
  readonly key: string
  readonly query: Readonly<Record<string, string>>
  /** At most 604,800. */
  readonly expiresSeconds: number
  readonly nowMs: number
}
