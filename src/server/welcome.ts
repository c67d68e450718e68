import type { FirstStart } from '../iam/first-start.ts'
import type { House, Listening } from './compose.ts'
import type { Address, Config } from './settings.ts'

/** Every address of the machine, as it is listened on, is none to connect to. */
const REACHABLE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

function url(config: Config, { host, port }: Address): string {
  const name = REACHABLE[host] ?? host
  const scheme = config['tls.certificate-file'] === undefined ? 'http' : 'https'
  return `${scheme}://${name.includes(':') ? `[${name}]` : name}:${port}`
}

/** What the operator reads at start; at the first start also the credentials, which are never shown again. */
export function welcome(config: Config, house: Pick<House, 'instanceKey'>, bound: Listening): string {
  const lines = [serves(config, bound)]
  const first = bound.firstStart
  const { created, file } = house.instanceKey
  // Also when an earlier start made the key and failed before it could say so. Identities that were lost are no first start.
  if (file !== undefined && (created || (first && !config['accept-metadata-loss']))) {
    lines.push(
      '',
      `▲ The instance key was made: ${file}`,
      '  Without it nothing in the store can be read, by anybody. Back it up now, apart from the data.',
    )
  }
  if (first) lines.push('', 'First start. These credentials are shown once:', '', ...exports(config, bound, first))
  return `${lines.join('\n')}\n`
}

/** The same for programs. */
export function welcomeDocument(
  config: Config,
  { instanceKey: { file } }: Pick<House, 'instanceKey'>,
  { s3, control, firstStart }: Listening,
): object {
  return {
    dataDir: config['data-dir'],
    ...(file === undefined ? {} : { instanceKeyFile: file }),
    ...(s3 ? { s3Url: url(config, s3), region: config['s3.region'] } : {}),
    controlUrl: url(config, control),
    ...(config.console ? { consoleUrl: `${url(config, control)}/ui/` } : {}),
    ...firstStart,
  }
}

function serves(config: Config, { s3, control }: Listening): string {
  const { only, console, 'data-dir': dataDir } = config
  const halves = [
    ...(s3 ? [`S3 on ${url(config, s3)}`] : []),
    ...(console ? [`the console on ${url(config, control)}/ui/`] : []),
    `${only === 's3' ? '' : 'Key Protect and '}IAM on ${url(config, control)}`,
  ]
  return `Coffer serves ${halves.join(', ')}, from ${dataDir}`
}

/** What users paste into their shell. */
function exports(config: Config, { s3, control }: Listening, first: FirstStart): string[] {
  const ofS3 = s3 && [
    `  export AWS_ENDPOINT_URL_S3=${url(config, s3)}`,
    `  export AWS_ACCESS_KEY_ID=${first.accessKeyId}`,
    `  export AWS_SECRET_ACCESS_KEY=${first.secretAccessKey}`,
    `  export AWS_REGION=${config['s3.region']}`,
    '',
  ]
  const ofKeys = config.only === 's3' ? [] : [`  export KP_INSTANCE_ID=${first.keyProtectInstance}`]
  const trial = '  aws s3 mb s3://hello && echo hi | aws s3 cp - s3://hello/hi.txt && aws s3 ls s3://hello'
  return [
    ...(ofS3 ?? []),
    `  export COFFER_CONTROL=${url(config, control)}`,
    `  export IBMCLOUD_API_KEY=${first.apiKey}`,
    ...ofKeys,
    `  export COS_INSTANCE_CRN=${first.objectStorageCrn}`,
    ...(s3 ? ['', trial] : []),
  ]
}
