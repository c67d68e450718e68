import { Secret } from '../../base/secret.ts'

/** A subject of a NATS server that a stream (JetStream) keeps; the settings name it. */
export interface NatsTarget {
  readonly name: string
  readonly host: string
  /** What is not `tls://` is TLS if the server asks for it. */
  readonly tls: boolean
  readonly subject: string
}

export interface NatsCredentials {
  readonly user: string
  readonly password: Secret
}

/** `<name>=nats://<host>:<port>/<subject>`, or `tls://`; undefined for what is none. */
export function natsTarget(text: string): NatsTarget | undefined {
  const [, name = '', address = ''] = /^([a-z][a-z0-9-]{0,31})=((?:nats|tls):\/\/.+)$/.exec(text) ?? []
  if (!URL.canParse(address)) return undefined
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(address)
  const subject = pathname.slice(1)
  if (hostname === '' || `${search}${hash}${username}${password}` !== '') return undefined
  // No wildcards: it is published to.
  if (!/^[\w-]+(\.[\w-]+)*$/.test(subject)) return undefined
  return { name, host: `${hostname}:${port || 4222}`, tls: protocol === 'tls:', subject }
}

/** `<name>=<user>:<password>`, separated by commas; undefined for what is none. */
export function natsCredentials(text: string): ReadonlyMap<string, NatsCredentials> | undefined {
  const credentials = new Map<string, NatsCredentials>()
  for (const one of text.split(',').map((part) => part.trim())) {
    const [, name = '', user = '', password = ''] = /^([a-z][a-z0-9-]{0,31})=([^:\s]+):(\S+)$/.exec(one) ?? []
    if (password === '' || credentials.has(name)) return undefined
    credentials.set(name, { user, password: new Secret(password) })
  }
  return credentials
}
