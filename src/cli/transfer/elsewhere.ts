import { isOfAnother } from '../another-store.ts'
import { awsEndpoint } from '../aws-config.ts'
import { type Environment, given } from '../environment.ts'
import { usage } from '../failure.ts'
import { openServer, type Server } from '../server.ts'

/** What the other store is to the transfer; its variables are those of AWS with this before their names. */
export type Side = 'source' | 'target'

/** A store that is not this server: a profile, or the variables of AWS with SOURCE_ or TARGET_ before. Throws Usage. */
export async function openElsewhere(
  environment: Environment,
  side: Side,
  { profile, endpoint }: { readonly profile: string | undefined; readonly endpoint: string | undefined },
  signal: AbortSignal,
): Promise<Server> {
  if (profile !== undefined) return another(await openServer(environment, profile, signal), side)
  const prefix = `${side.toUpperCase()}_`
  const own = Object.entries(environment).flatMap(([name, value]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
  )
  const other: Environment = {
    // Nothing of this server's is told to the other.
    ...Object.fromEntries(
      ['HOME', 'XDG_CONFIG_HOME', 'AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'].map((name) => [
        name,
        environment[name],
      ]),
    ),
    ...Object.fromEntries(own),
    ...(endpoint === undefined ? {} : { AWS_ENDPOINT_URL_S3: endpoint }),
  }
  const url = await awsEndpoint(other)
  if (url === undefined) {
    throw usage(
      `the endpoint of the ${side} is not given`,
      '--endpoint http://minio:9000',
      `export ${prefix}AWS_ENDPOINT_URL_S3=…`,
    )
  }
  if (!/^https?:\/\//.test(url)) {
    const fix = endpoint === undefined ? `export ${prefix}AWS_ENDPOINT_URL_S3=` : '--endpoint '
    throw usage(`${url} is no URL of a store`, `${fix}http://${url.replace(/^\w*:?\/\//, '')}`)
  }
  if (given(other, 'AWS_ACCESS_KEY_ID') === undefined && given(other, 'AWS_PROFILE') === undefined) {
    throw usage(
      `there are no credentials for the ${side}`,
      `export ${prefix}AWS_ACCESS_KEY_ID=… ${prefix}AWS_SECRET_ACCESS_KEY=…`,
    )
  }
  return another(await openServer(other, undefined, signal), side)
}

function another(server: Server, side: Side): Server {
  let client: ReturnType<Server['s3']> | undefined
  return {
    ...server,
    s3: () => {
      client ??= server.s3().then((s3) => isOfAnother(s3, { side, url: server.s3Url }))
      return client
    },
  }
}
