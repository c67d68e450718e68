const statusOf = (error: unknown): number | undefined => {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined
  const metadata = error.$metadata
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined
}

export const isNotFound = (error: unknown): boolean => statusOf(error) === 404

/** The version is not there. Of a bucket that is not there this is not said. */
export const isMissing = (error: unknown): boolean =>
  isNotFound(error) && error instanceof Error && MISSING.has(error.name)
const MISSING: ReadonlySet<string> = new Set(['NoSuchKey', 'NoSuchVersion'])

/** Nothing that the server said as an error, and yet none of what it should have done. */
export class NotTaken extends Error {
  constructor(what: string) {
    super(`the replication target did not take it: ${what}`)
  }
}

/** What a server says when it may say otherwise by itself. */
const PASSING = [408, 409, 425, 429]

export function isRefusal(error: unknown): boolean {
  if (error instanceof NotTaken) return true
  const status = statusOf(error)
  // Nothing here follows a redirection.
  return status !== undefined && status >= 300 && status < 500 && !PASSING.includes(status)
}

export interface TakenAnswer {
  readonly ETag?: string | undefined
  readonly ServerSideEncryption?: string | undefined
}

/** Whatever took it told an ETag. `md5`: of bytes that were sent, unless the ETag is of another kind. */
export function checkEtag({ ETag: etag, ServerSideEncryption: encryption }: TakenAnswer, md5?: Buffer): void {
  if (etag === undefined) throw new NotTaken('it told no ETag')
  const told = /^"?([0-9a-f]{32})"?$/.exec(etag)?.[1]
  if (told === undefined || encryption?.startsWith('aws:kms') || !md5) return
  if (told !== md5.toString('hex')) throw new NotTaken('it stored other bytes than were sent')
}
