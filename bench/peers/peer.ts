import type { S3Client } from '@aws-sdk/client-s3'

/** Another S3 server that is measured beside Coffer: what it is, what is on and off in it, and how it is started. */
export interface Peer {
  /** On the command line. A variant is named after what differs: `minio-plain`. */
  readonly name: string
  readonly version: string
  /** A command that puts it into the directory `<peers dir>/<folder>`. */
  readonly obtain: string
  readonly folder: string
  /** In that directory, or absolute; the peer counts as installed when the file is there. */
  readonly executable: string
  /** What is synced to the disk when it answers 200, and by which setting. */
  readonly durability: string
  /** Of the data at rest, and by which setting. */
  readonly encryption: string
  /** Where the server knows no others; made up for each run by default. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Resolves to `host:port` once every process is under way; S3 may answer later. */
  readonly start: (place: PeerPlace) => Promise<string>
  /** What the bucket needs besides being made. */
  readonly prepareBucket?: (client: S3Client, bucket: string) => Promise<void>
}

/** Where a peer runs, and what it may do there. */
export interface PeerPlace {
  /** Empty, and removed when the peer stops. */
  readonly dir: string
  readonly executable: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  readonly freePort: () => Promise<number>
  /** A process of the server's, which lives until the peer is stopped. */
  readonly serve: (command: string, args: readonly string[], options?: ProcessOptions) => void
  /** A command that ends, with what it printed. */
  readonly run: (command: string, args: readonly string[], options?: ProcessOptions) => Promise<string>
  /** Asks again and again, until the check says so; throws when a process ended or it takes longer than a minute. */
  readonly until: (what: string, check: () => Promise<boolean>) => Promise<void>
}

export interface ProcessOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}
