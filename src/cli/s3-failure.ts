import { type AnotherStore, storeOf } from './another-store.ts'
import { CommandFailure } from './failure.ts'
import { fixesOf } from './fixes.ts'
import { member, numberOf, textOf } from './json.ts'
import { endingOf, sentence } from './refusal.ts'
import { unreachable } from './unreachable.ts'

export const RETAINED = /object lock|retention|legal hold|protected/i

/** Of an error that S3, or the client of S3, gave; undefined for any other. `endpoint`: of the server that the command is for. */
export function s3Failure(error: unknown, endpoint: string): CommandFailure | undefined {
  const another = storeOf(error)
  if (another === undefined) return failureAt(error, endpoint)
  const found = failureAt(error, another.url)
  return found && ofAnother(found, another)
}

/** By the code, what its variables are called behind `SOURCE_` or `TARGET_`. */
const ANOTHER_FIXES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/Credentials|AccessKey|Signature|^HTTP403$/, ['AWS_ACCESS_KEY_ID=…', 'AWS_SECRET_ACCESS_KEY=…']],
  [/^NotTrusted$/, ['AWS_CA_BUNDLE=ca.pem']],
  [/Unreachable|Tls|NotS3/, ['AWS_ENDPOINT_URL_S3=URL']],
]

/** Nothing of what mends a matter of the server would. */
function ofAnother(found: CommandFailure, { side, url }: AnotherStore): CommandFailure {
  const { code, ending, why, requestId } = found.failure
  const variables = ANOTHER_FIXES.find(([codes]) => codes.test(code))?.[1]
  const own = variables?.map((one) => `${side.toUpperCase()}_${one}`).join(' ')
  return new CommandFailure(
    {
      ...{ code, ending, fixes: own === undefined ? [] : [`export ${own}`] },
      ...(requestId === undefined ? {} : { requestId }),
      why: why.includes(url) ? `the ${side}, ${why}` : `the ${side}, ${url}, answers: ${why}`,
    },
    found,
  )
}

function failureAt(error: unknown, endpoint: string): CommandFailure | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'CredentialsProviderError') {
    return new CommandFailure(
      {
        code: 'NoCredentials',
        ending: 'refused',
        why: `there are no credentials for ${endpoint}`,
        fixes: ['export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…', 'coffer login URL'],
      },
      error,
    )
  }
  const metadata = member(error, '$metadata')
  const status = numberOf(metadata, 'httpStatusCode')
  if (/Deserialization error/.test(error.message)) {
    return new CommandFailure(
      {
        code: 'NotS3',
        ending: 'failed',
        why: `${endpoint} answers, and not as S3 does`,
        fixes: ['export AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000', 'coffer login URL --s3 URL'],
      },
      error,
    )
  }
  if (status === undefined) return unreachable(endpoint, error, 's3')
  // A refusal of HEAD has no body, so no code: its status is all there is.
  const code =
    error.name === 'Unknown' || error.name === 'UnknownError' || error.name === 'Error' ? `HTTP${status}` : error.name
  const isRetained = code === 'AccessDenied' && RETAINED.test(error.message)
  const requestId = textOf(metadata, 'requestId')
  return new CommandFailure(
    {
      code,
      ending: isRetained ? 'conflict' : endingOf(code, status),
      why: sentence(WORDS[code] ?? (error.message || `the server answered ${status}`)),
      ...fixesOf(code),
      ...(requestId === undefined ? {} : { requestId }),
    },
    error,
  )
}

const WORDS: Readonly<Record<string, string>> = {
  NotFound: 'it does not exist',
  InvalidBucketName:
    'that is no name of a bucket: 3 to 63 small letters, digits, hyphens and dots, with a letter or digit at both ends',
  HTTP403: 'access is denied',
  HTTP400: 'the server did not take the request, and tells no reason for a HEAD',
}
