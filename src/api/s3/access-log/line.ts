import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { encodeComponent } from '../uri.ts'
import { withoutSecrets } from '../without-secrets.ts'

/** What a line tells of, whatever it is. */
interface Logged {
  readonly bucketOwner: string
  readonly bucket: string
  readonly timeMs: number
  readonly requester: string | undefined
  readonly requestId: string
  readonly operation: string
  readonly key: string | undefined
  readonly objectBytes: number | undefined
  readonly versionId: string | undefined
}

/** What is known of who sent a request, and how. */
export interface LoggedSender extends Logged {
  readonly remoteIp: string | undefined
  readonly incoming: IncomingMessage
  readonly status: number
  readonly errorCode: string | undefined
  readonly signedBy: 'AuthHeader' | 'QueryString' | undefined
}

/** What is known of a request when it is over. */
export interface LoggedRequest extends LoggedSender {
  readonly bytesSent: number
  readonly totalMs: number
  readonly turnAroundMs: number
  readonly aclRequired: boolean
}

/** One line of a server access log. */
export function logLine(request: LoggedRequest): string {
  const { headers, method, url, httpVersion } = request.incoming
  return line({
    ...request,
    ...sent(request),
    bytesSent: request.bytesSent || undefined,
    uri: quotedText(`${method ?? '-'} ${withoutSecrets(url ?? '-')} HTTP/${httpVersion}`, MAX_URI),
    // It may be a presigned URL.
    referer: quotedText(headers.referer === undefined ? undefined : withoutSecrets(headers.referer)),
    userAgent: quotedText(headers['user-agent']),
  })
}

/** Of one key of a request that named many. S3 writes it so. */
export const batchLine = (one: LoggedSender): string =>
  line({ ...one, ...sent(one), uri: '-', referer: '-', userAgent: '-' })

/** Of something that the store did by itself. */
export const ownLine = (act: Logged): string =>
  line({ ...act, uri: quotedText(undefined), referer: quotedText(undefined), userAgent: quotedText(undefined) })

const sent = ({ incoming: { headers, socket }, signedBy }: LoggedSender) => {
  const tls = socket instanceof TLSSocket ? socket : undefined
  return {
    signatureVersion: signedBy ? 'SigV4' : undefined,
    // OpenSSL's name.
    cipher: tls?.getCipher().name,
    host: headers.host,
    tlsVersion: tls?.getProtocol()?.replace('v', 'V'),
  }
}

interface Fields extends Logged, Partial<Omit<LoggedRequest, keyof Logged | 'incoming' | 'bytesSent'>> {
  readonly bytesSent?: number | undefined
  readonly uri: string
  readonly referer: string
  readonly userAgent: string
  readonly signatureVersion?: string | undefined
  readonly cipher?: string | undefined
  readonly host?: string | undefined
  readonly tlsVersion?: string | undefined
}

/** Fields in the order of S3, `-` for what there is not. */
const line = (of: Fields): string =>
  [
    word(of.bucketOwner),
    word(of.bucket),
    `[${clfTime(of.timeMs)}]`,
    word(of.remoteIp),
    word(of.requester),
    of.requestId,
    of.operation,
    of.key === undefined ? '-' : within(encodeComponent(of.key, true), MAX_KEY),
    of.uri,
    of.status ?? '-',
    of.errorCode ?? '-',
    of.bytesSent ?? '-',
    of.objectBytes ?? '-',
    milliseconds(of.totalMs),
    milliseconds(of.turnAroundMs),
    of.referer,
    of.userAgent,
    word(of.versionId),
    of.requestId,
    of.signatureVersion ?? '-',
    of.cipher ?? '-',
    of.signedBy ?? '-',
    word(of.host),
    of.tlsVersion ?? '-',
    // There are no access points.
    '-',
    of.aclRequired ? 'Yes' : '-',
  ].join(' ')

const milliseconds = (ms: number | undefined): string => (ms === undefined ? '-' : String(Math.round(ms)))

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
