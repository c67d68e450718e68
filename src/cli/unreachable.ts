import { CommandFailure } from './failure.ts'

/** Which of the two listeners was asked, or that of another server. */
export type Asked = 's3' | 'control'

const VARIABLES: Readonly<Record<Asked, string>> = { s3: 'AWS_ENDPOINT_URL_S3', control: 'COFFER_CONTROL' }

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'no name server tells its address now',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  TimeoutError: 'it does not answer in time',
  ABORT_ERR: 'it does not answer in time',
}

const TRUST: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that is not trusted here',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is its own, and not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is of an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an authority that is not trusted here',
  CERT_SIGNATURE_FAILURE: 'its certificate is not signed by who it says',
}

/** Undefined for what is not of the network. */
export function unreachable(url: string, error: unknown, asked: Asked): CommandFailure | undefined {
  const code = codeOf(error)
  const origin = URL.canParse(url) ? new URL(url).origin : url
  const failure = (name: string, why: string, ...fixes: readonly string[]) =>
    new CommandFailure({ code: name, ending: 'failed', why: `${origin} cannot be reached, ${why}`, fixes }, error)
  const elsewhere = (other: string) => [`export ${VARIABLES[asked]}=${other}`, `coffer login URL`]
  const message = error instanceof Error ? error.message : ''
  if (code === 'EPROTO' || code.startsWith('ERR_SSL'))
    return /wrong version number|packet length/i.test(`${message}${code}`)
      ? failure('NoTls', 'it does not speak TLS', ...elsewhere(origin.replace('https:', 'http:')))
      : failure('TlsFailed', 'it and this program do not agree on TLS', 'coffer health')
  // What a TLS listener does with a request in clear.
  if (origin.startsWith('http:') && (code.startsWith('HPE_') || code === 'ECONNRESET'))
    return failure(
      'Unreachable',
      'the connection was closed: it may want TLS',
      ...elsewhere(origin.replace('http:', 'https:')),
      'coffer health',
    )
  const trust = TRUST[code]
  if (trust !== undefined)
    return failure(
      'NotTrusted',
      trust,
      'export AWS_CA_BUNDLE=ca.pem',
      `coffer login ${origin} --ca-file ca.pem`,
      'export NODE_USE_SYSTEM_CA=1',
    )
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return failure('NotTrusted', 'its certificate is for other names', ...elsewhere('https://NAME-IN-THE-CERTIFICATE'))
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return failure(
      'NotTrusted',
      code === 'CERT_HAS_EXPIRED'
        ? 'its certificate has ended; whoever runs it renews it'
        : 'its certificate is not valid yet: is the clock of this machine right?',
    )
  const reason = REASONS[code]
  return reason === undefined ? undefined : failure('Unreachable', reason, 'coffer health', 'coffer login URL')
}

/** Of connections to several addresses, that of the first. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  if (typeof error !== 'object' || error === null) return ''
  const code = 'code' in error ? error.code : 'name' in error ? error.name : ''
  return typeof code === 'string' ? code : ''
}

/** Throws Usage for what is no address of a server. */
export function checkedUrl(url: string, asked: Asked): string {
  const isHttp = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
  if (isHttp) return url
  const meant = `http://${url.replace(/^\w*:?\/\//, '')}`
  throw new CommandFailure({
    code: 'Usage',
    ending: 'usage',
    why: `${url} is no URL of a server`,
    fixes: URL.canParse(meant) ? [`export ${VARIABLES[asked]}=${meant}`] : [],
  })
}
