import { STATUS_CODES } from 'node:http'
import type { S3Error } from '../error-codes.ts'
import { escapeXml } from '../xml/encode.ts'

/** An error as a page, and why the page that the website has for errors is not shown. */
export function errorPage(error: S3Error, requestId: string, ofErrorDocument?: S3Error): string {
  const title = `${error.status} ${STATUS_CODES[error.status] ?? ''}`.trim()
  const own = { ...facts(error), RequestId: requestId, HostId: 'coffer' }
  const second = ofErrorDocument
    ? `<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n${list(facts(ofErrorDocument))}`
    : ''
  return `<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>\n${list(own)}${second}<hr/>\n</body>\n</html>\n`
}

const facts = ({ code, message, extra }: S3Error): Readonly<Record<string, string>> => ({
  Code: code,
  Message: message,
  ...extra,
})

const list = (items: Readonly<Record<string, string>>): string =>
  `<ul>\n${Object.entries(items)
    .map(([name, value]) => `<li>${name}: ${escapeXml(value)}</li>\n`)
    .join('')}</ul>\n`

/** S3 tells a website's errors in headers too, whatever page is shown. A header is in Latin-1. */
export const errorHeaders = ({ code, message, extra }: S3Error): Readonly<Record<string, string>> => ({
  'x-amz-error-code': code,
  'x-amz-error-message': latin1(message),
  ...(extra['Key'] === undefined ? {} : { 'x-amz-error-detail-key': latin1(extra['Key']) }),
})

const latin1 = (text: string): string => text.replace(/[^\x20-\x7e]/gu, (character) => encodeURIComponent(character))
