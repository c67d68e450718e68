import { z } from 'zod'
import { hasCode } from '../../base/errors.ts'
import type { Objects } from '../../objects/objects.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import type { S3Request } from './request.ts'
import { storedDocument } from './stored-document.ts'

export const CORS_METHODS = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE'] as const

const corsRule = z.strictObject({
  id: z.string().exactOptional(),
  allowedHeaders: z.array(z.string()),
  allowedMethods: z.array(z.enum(CORS_METHODS)),
  allowedOrigins: z.array(z.string()),
  exposeHeaders: z.array(z.string()),
  maxAgeSeconds: z.int().exactOptional(),
})
export type CorsRule = z.infer<typeof corsRule>

export const bucketCors = storedDocument('cors', z.array(corsRule))

/** What a browser wants to do from a page of another origin. */
interface CrossOrigin {
  readonly origin: string
  readonly method: string
  /** Lower case; those that it asks for before it sends them. */
  readonly headers: readonly string[]
}

type Headers = Readonly<Record<string, string>>

/** Caches must not give the answer for one origin to another. */
const VARY: Headers = { vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method' }

export const NO_CORS: Headers = {}

/** For every answer of a bucket that has rules, whatever it is: a page may read an error only when it is let. */
export function corsHeaders(request: S3Request, objects: Pick<Objects, 'buckets' | 'document'>): Headers {
  const rules = rulesOf(request, objects)
  if (!rules) return NO_CORS
  const asked = crossOrigin(request)
  return { ...VARY, ...(asked ? allowance(rules, asked) : {}) }
}

/** A configuration that is damaged lets nobody in, and keeps no request from being answered. */
function rulesOf(
  { bucket }: S3Request,
  objects: Pick<Objects, 'buckets' | 'document'>,
): readonly CorsRule[] | undefined {
  const found = bucket === undefined ? undefined : objects.buckets.find(bucket)
  if (!found) return undefined
  try {
    return bucketCors.of(objects, found)
  } catch (error) {
    if (hasCode<MetadataStoreErrorCode>(error, 'MetadataCorrupt')) return undefined
    throw error
  }
}

/** S3 asks for the method that is announced, be the request a preflight or not. */
function crossOrigin({ headers, method }: S3Request): CrossOrigin | undefined {
  const origin = headers.get('origin')
  if (origin === undefined) return undefined
  const announced = headers.get('access-control-request-headers')?.split(',') ?? []
  return {
    origin,
    method: headers.get('access-control-request-method') ?? method,
    headers: [...new Set(announced.map((name) => name.trim().toLowerCase()).filter((name) => name !== ''))],
  }
}

/** By the first rule that allows all of it; undefined when none does. */
function allowance(rules: readonly CorsRule[], asked: CrossOrigin): Headers | undefined {
  for (const rule of rules) {
    const pattern = rule.allowedOrigins.find((allowed) => matches(allowed, asked.origin))
    if (pattern === undefined || !rule.allowedMethods.some((method) => method === asked.method)) continue
    if (allowsHeaders(rule, asked.headers)) return told(rule, asked, pattern === '*')
  }
  return undefined
}

/** No page asks for more. */
const MAX_HEADERS = 100

function allowsHeaders({ allowedHeaders }: CorsRule, asked: readonly string[]): boolean {
  if (asked.length === 0) return true
  if (asked.length > MAX_HEADERS) return false
  const allowed = [...new Set(allowedHeaders.map((name) => name.toLowerCase()))]
  const names = new Set(allowed)
  const patterns = allowed.filter((name) => name.includes('*'))
  return asked.every((name) => names.has(name) || patterns.some((pattern) => matches(pattern, name)))
}

function told(rule: CorsRule, { origin, headers }: CrossOrigin, anybody: boolean): Headers {
  return {
    'access-control-allow-origin': anybody ? '*' : origin,
    'access-control-allow-methods': rule.allowedMethods.join(', '),
    ...(headers.length > 0 ? { 'access-control-allow-headers': headers.join(', ') } : {}),
    ...(rule.exposeHeaders.length > 0 ? { 'access-control-expose-headers': rule.exposeHeaders.join(', ') } : {}),
    ...(rule.maxAgeSeconds === undefined ? {} : { 'access-control-max-age': String(rule.maxAgeSeconds) }),
    // The Fetch standard has no credentials for `*`.
    ...(anybody ? {} : { 'access-control-allow-credentials': 'true' }),
  }
}

/** A pattern has one `*` at most. */
function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === text
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)]
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail)
}
