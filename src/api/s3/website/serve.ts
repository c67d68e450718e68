import type { Objects } from '../../../objects/objects.ts'
import { S3Error } from '../error-codes.ts'
import { s3Face } from '../errors.ts'
import type { S3Reply } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { leave } from '../send.ts'
import { bucketWebsite, type Site, type WebsiteConfiguration } from './configuration.ts'
import { errorHeaders, errorPage } from './error-page.ts'
import { type Moved, movedAltogether, movedByRule, movedToFolder, pageKey } from './routing.ts'

export interface WebsiteOptions {
  readonly objects: Pick<Objects, 'buckets' | 'document' | 'known'>
  /** GetObject or HeadObject as anybody: decided and done as every other request. */
  readonly read: (request: S3Request) => Promise<S3Reply>
}

export interface WebsiteReply {
  readonly reply: S3Reply
  /** What went wrong, although a page is shown. */
  readonly error?: S3Error
}

/**
 * A page of a bucket's website: its index, its redirects, its routing rules, its error document. Throws what has no page
 * (NotModified), and MethodNotAllowed.
 */
export async function serveWebsite(request: S3Request, options: WebsiteOptions): Promise<WebsiteReply> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const extra = { Method: request.method, ResourceType: 'OBJECT' }
    throw new S3Error('MethodNotAllowed', undefined, { extra, headers: { allow: 'GET, HEAD' } })
  }
  let website: WebsiteConfiguration
  try {
    website = websiteOf(request, options)
  } catch (error) {
    return told(s3Face(error), request)
  }
  const { key = '', rawPath, rawQuery, secure, headers } = request
  const page = { key, rawPath, rawQuery, secure, host: headers.get('host') ?? '' }
  if ('redirectAll' in website) return redirect(movedAltogether(page, website))
  const byRule = movedByRule(page, website, undefined)
  if (byRule) return redirect(byRule)
  try {
    return await found(await options.read(asRead(request, pageKey(key, website))))
  } catch (cause) {
    const error = s3Face(cause)
    if (error.status < 400) throw error
    if (await isFolder(request, key, website, options)) return redirect(movedToFolder(page))
    const onError = movedByRule(page, website, error.status)
    return onError ? { ...redirect(onError), error } : await errorDocument(error, request, website, options)
  }
}

function websiteOf({ bucket: name }: S3Request, { objects }: WebsiteOptions): WebsiteConfiguration {
  if (name === undefined) throw new S3Error('NoSuchBucket')
  const website = bucketWebsite.of(objects, objects.buckets.get(name))
  if (website) return website
  throw new S3Error('NoSuchWebsiteConfiguration', undefined, { extra: { BucketName: name } })
}

/** Who asks, and what else the query says, does not count here; how much of a page is wanted does. */
const OF_PAGES = /^(host|range|if-range|if-match|if-none-match|if-modified-since|if-unmodified-since)$/

function asRead(request: S3Request, key: string, headers: RegExp = OF_PAGES): S3Request {
  const kept = new Map([...request.headers].filter(([name]) => headers.test(name)))
  return { ...request, key, headers: kept, query: new Map(), rawQuery: '' }
}

const REDIRECT = 'x-amz-website-redirect-location'

/** The object, or where it says that it is. */
async function found(reply: S3Reply): Promise<WebsiteReply> {
  const location = reply.headers?.[REDIRECT]
  if (location === undefined) return { reply }
  await leave(reply.body)
  return redirect({ status: 301, location: String(location) })
}

/** Only where anybody may read the folder's index: nothing else is told of what there is. */
async function isFolder(request: S3Request, key: string, site: Site, options: WebsiteOptions): Promise<boolean> {
  if (key === '' || key.endsWith('/')) return false
  const bucket = options.objects.buckets.find(request.bucket ?? '')
  if (!bucket || (await options.objects.known({ bucket, key }))) return false
  try {
    await options.read({ ...asRead(request, pageKey(`${key}/`, site), /^host$/), method: 'HEAD' })
    return true
  } catch (error) {
    if (s3Face(error).status < 500) return false
    throw error
  }
}

async function errorDocument(
  error: S3Error,
  request: S3Request,
  { errorKey }: Site,
  { read }: WebsiteOptions,
): Promise<WebsiteReply> {
  // S3: it is for mistakes of the client.
  if (errorKey === undefined || error.status >= 500) return told(error, request)
  try {
    const { headers, ...reply } = await read(asRead(request, errorKey, /^host$/))
    return { reply: { ...reply, status: error.status, headers: { ...headers, ...errorHeaders(error) } }, error }
  } catch (second) {
    return told(error, request, s3Face(second))
  }
}

const told = (error: S3Error, request: S3Request, ofErrorDocument?: S3Error): WebsiteReply => ({
  reply: pageOfError(error, request.id, ofErrorDocument),
  error,
})

/** The page of a website that has none of its own for an error. */
export const pageOfError = (error: S3Error, requestId: string, ofErrorDocument?: S3Error): S3Reply => ({
  status: error.status,
  headers: { ...error.headers, ...errorHeaders(error), 'content-type': 'text/html; charset=utf-8' },
  body: errorPage(error, requestId, ofErrorDocument),
})

const redirect = ({ status, location }: Moved): WebsiteReply => ({
  reply: { status, headers: { location, 'content-length': 0 } },
})
