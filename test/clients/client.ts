/** What a client can't do, and why: shown as – in the table. */
export interface Missing {
  readonly missing: string
  /** Done in its place when later steps need it. */
  readonly instead?: () => Promise<void>
}

export const missing = (reason: string): Missing => ({ missing: reason })

export interface Step {
  /** Column of the table. Steps run in order; each may use what earlier ones left. */
  readonly name: string
  readonly run: (() => Promise<void>) | Missing
}

/** The server under test and the account to use it with. */
export interface Target {
  readonly s3Url: string
  readonly controlUrl: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly apiKey: string
  readonly accountId: string
  readonly objectStorageCrn: string
  readonly objectStorageInstance: string
  readonly keyProtectInstance: string
  /** A bucket that ibm-cos-sdk made under a root key; each client leaves it as it found it. */
  readonly customerManagedBucket: () => Promise<string>
  /** An empty directory of the client's own; removed at the end. */
  readonly workDir: string
}

/** A real client: one row of the table. */
export interface Client {
  readonly name: string
  /** Idempotent. Puts what it needs into the .clients directory or installs Debian's package. */
  readonly install: () => Promise<void>
  readonly version: () => Promise<string>
  /** `close` runs when the steps are done, failed or not. */
  readonly connect: (target: Target) => Promise<Connection>
}

export interface Connection {
  readonly steps: readonly Step[]
  /** Printed below the table. */
  readonly notes?: readonly string[]
  readonly close?: () => Promise<void>
}

export interface Listing {
  readonly keys: readonly string[]
  readonly prefixes: readonly string[]
}

/** What an S3 client does with buckets and objects; `objectSteps` makes its row of these. Files are paths. */
export interface ObjectVerbs {
  readonly makeBucket: ((bucket: string) => Promise<void>) | Missing
  readonly put: (bucket: string, key: string, file: string) => Promise<void>
  readonly get: (bucket: string, key: string, file: string) => Promise<void>
  readonly list: ((bucket: string, prefix: string, delimiter: '/' | undefined) => Promise<Listing>) | Missing
  /** Bytes `start` to `end`, both included. */
  readonly range: ((bucket: string, key: string, start: number, end: number) => Promise<Buffer>) | Missing
  readonly copy: ((bucket: string, fromKey: string, toKey: string) => Promise<void>) | Missing
  readonly presignGet: ((bucket: string, key: string) => Promise<string>) | Missing
  readonly presignPut: ((bucket: string, key: string) => Promise<string>) | Missing
  readonly remove: (bucket: string, key: string) => Promise<void>
  readonly removeBucket: ((bucket: string) => Promise<void>) | Missing
  /** Why the client itself can't name this key; undefined when it can. */
  readonly unnameable?: (key: string) => string | undefined
}
