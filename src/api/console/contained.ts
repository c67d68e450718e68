import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** Shown in place when a preview is asked for, and as what: nothing of it can run. */
const SHOWN: ReadonlyMap<string, string> = new Map([
  ['image/png', 'image/png'],
  ['image/jpeg', 'image/jpeg'],
  ['image/gif', 'image/gif'],
  ['image/webp', 'image/webp'],
  ['application/pdf', 'application/pdf'],
  ['text/plain', 'text/plain; charset=utf-8'],
  ['text/csv', 'text/plain; charset=utf-8'],
  ['text/markdown', 'text/plain; charset=utf-8'],
  ['application/json', 'text/plain; charset=utf-8'],
])

/**
 * What a page may load and obey: the console's own policy trusts its origin, and this comes from it. Of several types in a
 * header browsers take the last. A HEAD tells what is stored.
 */
const OBEYED = /(?:java|ecma|j|live)script|text\/css/i
const A_FILE = 'application/octet-stream'

const SANDBOX = "sandbox; default-src 'none'"
/** A browser shows no PDF in a sandbox; its viewer is a world of its own. */
const PDF_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
const FRAMED_SANDBOX = `${SANDBOX}; frame-ancestors 'self'`

export interface Contained {
  /** Of what is sent, when it is kept. */
  readonly fileName: string | undefined
  readonly isPreview: boolean
}

/**
 * What the gate answers comes from whoever wrote the object, and must not become a page of the console: it is a file to be
 * kept, in a sandbox, whatever the object or the request says it is. A preview shows what can do nothing.
 */
export function contain(response: ServerResponse, { fileName, isPreview }: Contained): void {
  const writeHead = response.writeHead.bind(response)
  Object.assign(response, {
    writeHead: (status: number, reason?: string | OutgoingHttpHeaders, given?: OutgoingHttpHeaders): ServerResponse => {
      const phrase = typeof reason === 'string' ? reason : undefined
      const headers = lowerCase(typeof reason === 'object' ? reason : given)
      const isGood = status === 200 || status === 206
      const isRead = isGood && response.req.method === 'GET'
      const shown = isPreview && isGood ? SHOWN.get(typeOf(headers['content-type'])) : undefined
      const contained: OutgoingHttpHeaders = {
        ...headers,
        'x-content-type-options': 'nosniff',
        // What was decrypted stays on no disk of the browser's.
        'cache-control': 'no-store',
        'content-security-policy': shown === 'application/pdf' ? PDF_POLICY : shown ? FRAMED_SANDBOX : SANDBOX,
        ...(shown ? { 'content-type': shown, 'content-disposition': 'inline' } : {}),
        ...(!shown && isRead && OBEYED.test(String(headers['content-type'])) ? { 'content-type': A_FILE } : {}),
        ...(!shown && isGood && fileName !== undefined ? { 'content-disposition': asAttachment(fileName) } : {}),
      }
      if (shown) for (const name of ['X-Frame-Options']) response.removeHeader(name)
      return phrase === undefined ? writeHead(status, contained) : writeHead(status, phrase, contained)
    },
  })
}

const lowerCase = (headers: OutgoingHttpHeaders = {}): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

const typeOf = (value: OutgoingHttpHeaders[string]): string =>
  String(value ?? '')
    .split(';', 1)[0]
    ?.trim()
    .toLowerCase() ?? ''

/** RFC 6266, with the name as RFC 8187 has it. */
const asAttachment = (fileName: string): string =>
  `attachment; filename*=UTF-8''${encodeURIComponent(fileName).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)}`
