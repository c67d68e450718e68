import { awsEndpoint } from '../aws-config.ts'
import { type Environment, given } from '../environment.ts'
import { usage } from '../failure.ts'
import { openServer, type Server } from '../server.ts'

const PREFIX = 'SOURCE_'

/** The store that is imported from: a profile, or the variables of AWS with SOURCE_ before their names. Throws Usage. */
export async function openSource(
  environment: Environment,
  { profile, endpoint }: { readonly profile: string | undefined; readonly endpoint: string | undefined },
  signal: AbortSignal,
): Promise<Server> {
  if (profile !== undefined) return openServer(environment, profile, signal)
  const own = Object.entries(environment).flatMap(([name, value]) =>
    name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), value] as const] : [],
  )
  const source: Environment = {
    // Nothing of the destination's is told to the source.
    ...Object.fromEntries(
      ['HOME', 'XDG_CONFIG_HOME', 'AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'].map((name) => [
        name,
        environment[name],
      ]),
    ),
    ...Object.fromEntries(own),
    ...(endpoint === undefined ? {} : { AWS_ENDPOINT_URL_S3: endpoint }),
  }
  if ((await awsEndpoint(source)) === undefined) {
    throw usage(
      'the endpoint of the source is not given',
      '--endpoint http://minio:9000',
      'export SOURCE_AWS_ENDPOINT_URL_S3=…',
    )
  }
  if (given(source, 'AWS_ACCESS_KEY_ID') === undefined && given(source, 'AWS_PROFILE') === undefined) {
    throw usage(
      'there are no credentials for the source',
      'export SOURCE_AWS_ACCESS_KEY_ID=… SOURCE_AWS_SECRET_ACCESS_KEY=…',
    )
  }
  return openServer(source, undefined, signal)
}
