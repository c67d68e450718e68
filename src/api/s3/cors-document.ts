import { CORS_METHODS, type CorsRule } from './cors.ts'
import { S3Error } from './error-codes.ts'
import { integer } from './target.ts'
import { parseXml, type XmlElement } from './xml/decode.ts'
import type { XmlContent } from './xml/encode.ts'

/** S3: 64 KB. */
export const MAX_CORS_BYTES = 64 * 1024
const MAX_RULES = 100
const MAX_ID_CHARACTERS = 255
const MAX_AGE_SECONDS = 2 ** 31 - 1

/** `<CORSConfiguration><CORSRule>…`. Throws MalformedXML and InvalidRequest. */
export function corsRules(document: Buffer): CorsRule[] {
  const root = parseXml(document, 'CORSConfiguration', MAX_CORS_BYTES)
  root.allow('CORSRule')
  const rules = root.children('CORSRule')
  if (rules.length === 0) throw new S3Error('MalformedXML')
  if (rules.length > MAX_RULES) {
    throw invalid(`The number of CORS rules should not exceed allowed limit of ${MAX_RULES} rules.`)
  }
  return rules.map(ruleOf)
}

function ruleOf(element: XmlElement): CorsRule {
  element.allow('ID', 'AllowedHeader', 'AllowedMethod', 'AllowedOrigin', 'ExposeHeader', 'MaxAgeSeconds')
  const texts = (name: string): string[] => element.children(name).map((child) => child.value())
  const id = element.text('ID')
  const age = element.text('MaxAgeSeconds')
  const methods = texts('AllowedMethod')
  const origins = texts('AllowedOrigin')
  const headers = texts('AllowedHeader')
  const exposed = texts('ExposeHeader')
  if (methods.length === 0 || origins.length === 0) throw new S3Error('MalformedXML')
  if (id !== undefined && id.length > MAX_ID_CHARACTERS) throw new S3Error('MalformedXML')
  oneWildcard('AllowedOrigin', origins)
  oneWildcard('AllowedHeader', headers)
  const wild = exposed.find((name) => name.includes('*'))
  if (wild !== undefined) {
    throw invalid(`ExposeHeader "${wild}" contains wildcard. We currently do not support wildcard for ExposeHeader.`)
  }
  checkNames([...headers.map((name) => name.replace('*', '')), ...exposed])
  return {
    ...(id === undefined ? {} : { id }),
    allowedHeaders: headers,
    allowedMethods: methods.map(methodOf),
    allowedOrigins: origins,
    exposeHeaders: exposed,
    ...(age === undefined ? {} : { maxAgeSeconds: seconds(age) }),
  }
}

function methodOf(text: string): CorsRule['allowedMethods'][number] {
  const method = CORS_METHODS.find((known) => known === text)
  if (method) return method
  throw invalid(`Found unsupported HTTP method in CORS config. Unsupported method is ${text}`)
}

function oneWildcard(name: string, patterns: readonly string[]): void {
  const wild = patterns.find((pattern) => pattern.split('*').length > 2)
  if (wild !== undefined) throw invalid(`${name} "${wild}" can not have more than one wildcard.`)
}

/** They go into headers of answers as they are. RFC 9110: `token`. */
function checkNames(names: readonly string[]): void {
  if (!names.every((name) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]*$/.test(name))) throw new S3Error('MalformedXML')
}

function seconds(text: string): number {
  try {
    return integer('MaxAgeSeconds', text.trim(), 0, MAX_AGE_SECONDS)
  } catch (cause) {
    throw new S3Error('MalformedXML', undefined, { cause })
  }
}

const invalid = (message: string): S3Error => new S3Error('InvalidRequest', message)

export const corsContent = (rules: readonly CorsRule[]): XmlContent => ({
  CORSRule: rules.map((rule) => ({
    ID: rule.id,
    AllowedHeader: rule.allowedHeaders,
    AllowedMethod: rule.allowedMethods,
    AllowedOrigin: rule.allowedOrigins,
    ExposeHeader: rule.exposeHeaders,
    MaxAgeSeconds: rule.maxAgeSeconds,
  })),
})
