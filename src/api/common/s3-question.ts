import type { Principal } from '../../iam/principal.ts'
import type { Asker } from '../../objects/data-key-audit.ts'

/** May somebody do this to a bucket or an object? Nothing is done, and nobody has to have asked for it. */
export interface S3Question {
  readonly principal: Principal | { readonly type: 'anonymous'; readonly iamId: 'anonymous' }
  readonly action: `s3:${string}`
  readonly bucket: string
  readonly key?: string | undefined
  readonly versionId?: string | undefined
  /** Of a listing. */
  readonly prefix?: string | undefined
  /** Of an object as the bucket's owner would put it, with no ACL of its own, whatever lies there. */
  readonly isTypical?: boolean
  readonly circumstances?: Circumstances | undefined
  /** Who wants to know: what is opened for the answer (tags that a policy speaks of) is recorded under this name. */
  readonly asker: Asker
}

/** What conditions can ask for of a request. Names in lower case. */
export interface Circumstances {
  /** With it, the firewall of the bucket is asked, too. */
  readonly sourceIp?: string | undefined
  /** Default: it came over TLS. */
  readonly secure?: boolean | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly query?: Readonly<Record<string, string>> | undefined
}

export interface S3Answer {
  readonly allowed: boolean
  /** As in the audit log: names the role, the policy, the statement or the grant that decided. */
  readonly reason: string
}

/** Decided as the request itself would be, by the same functions. Throws NoSuchBucket. */
export type AskS3 = (question: S3Question) => Promise<S3Answer>
