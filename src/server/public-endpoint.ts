import type { Server } from 'node:http'
import type { Config } from './settings.ts'

/** Where clients reach S3: as the setting says, or on the host that the console was asked on. */
export function publicEndpoint(
  config: Pick<Config, 's3.public-url' | 's3.region' | 's3.listen'>,
  s3: Server,
  isTls: boolean,
  host: string | undefined,
): { readonly url: string; readonly region: string } {
  const region = config['s3.region']
  const declared = config['s3.public-url']
  if (declared !== undefined) return { url: declared, region }
  const bound = s3.address()
  const port = typeof bound === 'object' && bound ? bound.port : config['s3.listen'].port
  const asked = `${isTls ? 'https' : 'http'}://${host ?? 'localhost'}`
  const { protocol, hostname } = new URL(URL.canParse(asked) ? asked : 'http://localhost')
  return { url: `${protocol}//${hostname}:${port}`, region }
}
