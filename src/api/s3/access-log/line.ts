import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { encodeComponent } from '../uri.ts'
import { withoutSecrets } from '../without-secrets.ts'

/** What is known of a request when it is over. */
export interface LoggedRequest {
  readonly bucketOwner: string
  readonly bucket: string
  readonly timeMs: number
  readonly remoteIp: string | undefined
  /** Undefined: nobody who is known. */
  readonly requester: string | undefined
  readonly requestId: string
  readonly operation: string
  readonly key: string | undefined
  readonly incoming: IncomingMessage
  readonly status: number
  readonly errorCode: string | undefined
  readonly bytesSent: number
  readonly objectBytes: number | undefined
  readonly totalMs: number
  readonly turnAroundMs: number
  readonly versionId: string | undefined
  readonly signedBy: 'AuthHeader' | 'QueryString' | undefined
  readonly aclRequired: boolean
}

/** One line of a server access log: fields in the order of S3, `-` for what there is not. */
export function logLine(request: LoggedRequest): string {
  const { incoming, timeMs } = request
  const { headers, socket } = incoming
  const tls = socket instanceof TLSSocket ? socket : undefined
  const uri = `${incoming.method ?? '-'} ${withoutSecrets(incoming.url ?? '-')} HTTP/${incoming.httpVersion}`
  return [
    word(request.bucketOwner),
    word(request.bucket),
    `[${clfTime(timeMs)}]`,
    word(request.remoteIp),
    word(request.requester),
    request.requestId,
    request.operation,
    request.key === undefined ? '-' : within(encodeComponent(request.key, true), MAX_KEY),
    quotedText(uri, MAX_URI),
    request.status,
    request.errorCode ?? '-',
    request.bytesSent || '-',
    request.objectBytes ?? '-',
    Math.round(request.totalMs),
    Math.round(request.turnAroundMs),
    // It may be a presigned URL.
    quotedText(headers.referer === undefined ? undefined : withoutSecrets(headers.referer)),
    quotedText(headers['user-agent']),
    word(request.versionId),
    request.requestId,
    request.signedBy ? 'SigV4' : '-',
    tls?.getCipher().standardName ?? '-',
    request.signedBy ?? '-',
    word(headers.host),
    tls?.getProtocol()?.replace('v', 'V') ?? '-',
    '-',
    request.aclRequired ? 'Yes' : '-',
  ].join(' ')
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `06/Feb/2019:00:00:38 +0000` */
function clfTime(timeMs: number): string {
  const iso = new Date(timeMs).toISOString()
  return `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`
}

/** Characters of a field that a client wrote, as it is logged; the rest is cut off. */
const MAX_FIELD = 2048
/** With the key, whose 1024 bytes may all be escaped. */
const MAX_URI = 4096
const MAX_KEY = 3 * 1024

/** What a client wrote must not look like another field or line. */
const escaped = (text: string, limit = MAX_FIELD): string => within(percentEncoded(text.slice(0, limit)), limit)

/** Never cut within what stands for one byte. */
const within = (text: string, limit: number): string =>
  text.length > limit ? text.slice(0, limit).replace(/%[0-9A-F]?$/, '') : text

const percentEncoded = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  text.replace(/["\u0000-\u001f\u007f-\uffff]/g, (character) => encodeURIComponent(character.toWellFormed()))

const quotedText = (text: string | undefined, limit?: number): string =>
  `"${text === undefined || text === '' ? '-' : escaped(text, limit)}"`
const word = (text: string | undefined): string =>
  text === undefined || text === '' ? '-' : escaped(text).replaceAll(' ', '%20')
