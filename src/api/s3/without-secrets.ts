import { decodeOnce } from './uri.ts'

/**
 * Parameters whose value lets its reader in (a signature does until it expires) or opens what is encrypted: presigned URLs
 * carry the keys of customers, too, those of the source of a copy among them.
 */
const SECRET =
  /signature|customer-key|security-token|access[-_]?token|id[-_]?token|api[-_]?key|authorization|secret|password/

/** The target of a request, or any address, as it may be written down: of what is secret in its query only the name. */
export function withoutSecrets(target: string): string {
  const [path = '', ...queries] = target.split('?')
  return [path, ...queries.map((query) => query.split('&').map(withoutValue).join('&'))].join('?')
}

function withoutValue(pair: string): string {
  const equals = pair.indexOf('=')
  if (equals < 0) return pair
  const name = pair.slice(0, equals)
  // A name that nobody can read is none of S3's; what it stands for is not guessed at.
  const decoded = decodeOnce(name)?.toLowerCase()
  return decoded === undefined || SECRET.test(decoded) ? `${name}=-` : pair
}
