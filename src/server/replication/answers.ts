const statusOf = (error: unknown): number | undefined => {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined
  const metadata = error.$metadata
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined
}

export const isMissing = (error: unknown): boolean => statusOf(error) === 404

/** What a server says when it may say otherwise by itself. */
const PASSING = [408, 409, 425, 429]

export function isRefusal(error: unknown): boolean {
  const status = statusOf(error)
  return status !== undefined && status >= 400 && status < 500 && !PASSING.includes(status)
}

/** Of bytes that were sent, unless what the server answers is another kind of ETag than their MD5. */
export function checkEtag(
  {
    ETag: etag,
    ServerSideEncryption: encryption,
  }: { ETag?: string | undefined; ServerSideEncryption?: string | undefined },
  md5: Buffer,
): void {
  const told = /^"?([0-9a-f]{32})"?$/.exec(etag ?? '')?.[1]
  if (told === undefined || encryption?.startsWith('aws:kms')) return
  if (told !== md5.toString('hex')) throw new Error('the replication target stored other bytes than were sent')
}
