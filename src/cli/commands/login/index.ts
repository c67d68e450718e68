import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { awsEndpoint } from '../../aws-config.ts'
import type { Call } from '../../call.ts'
import { askedSecretly } from '../../confirm.ts'
import { given } from '../../environment.ts'
import { usage } from '../../failure.ts'
import { type Profile, readProfiles, writeProfiles } from '../../profiles.ts'
import { readInput } from '../../read-input.ts'
import { openServerAt } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { isTerminal } from '../../streams.ts'

const login: CommandSpec = {
  name: '',
  summary: 'Keeps a server and credentials as a profile, and uses it from then on.',
  about:
    'Takes the API key from --api-key-file, IBMCLOUD_API_KEY, or asks for it, and an access key pair from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY where these are set. The file is for its owner alone: ~/.config/coffer/profiles.toml.',
  arguments: [{ name: 'url', help: 'control listener: http://127.0.0.1:9001' }],
  options: {
    name: { value: 'name', help: 'of the profile; the host otherwise' },
    s3: { value: 'url', help: 'S3 listener; AWS_ENDPOINT_URL_S3, or port 9000 of the same host, otherwise' },
    'api-key-file': { value: 'file', help: '- for standard input', kind: 'file' },
    'ca-file': { value: 'file', help: 'PEM with the authorities that are trusted, and no others', kind: 'file' },
  },
  examples: [
    'coffer login http://127.0.0.1:9001 --name local',
    'coffer login http://127.0.0.1:9001 --api-key-file key.txt',
  ],
  see: ['coffer profile ls', 'coffer logout'],
  run: async (call) => {
    const url = call.argument('url').replace(/\/+$/, '')
    call.doing(`log in to ${url}`)
    if (!/^https?:\/\/[^/]+$/.test(url) || !URL.canParse(url))
      throw usage(`${url} is not the URL of a control listener, such as http://127.0.0.1:9001`)
    const name = call.text('name') ?? new URL(url).hostname
    const caFile = call.text('ca-file')
    const { environment } = call
    const profile: Profile = {
      control: url,
      s3: call.text('s3') ?? (await awsEndpoint(environment)) ?? besideControl(url),
      apiKey: await apiKeyOf(call),
      accessKeyId: given(environment, 'AWS_ACCESS_KEY_ID'),
      secretAccessKey: given(environment, 'AWS_SECRET_ACCESS_KEY'),
      region: given(environment, 'AWS_REGION', 'AWS_DEFAULT_REGION'),
      keyProtectInstance: given(environment, 'KP_INSTANCE_ID'),
      caFile: caFile === undefined ? undefined : resolve(caFile),
    }
    const who = await (await openServerAt(profile, environment, call.signal)).identity()
    const { profiles } = await readProfiles(environment)
    const file = await writeProfiles(environment, { current: name, profiles: new Map([...profiles, [name, profile]]) })
    call.out.answer(
      { profile: name, control: url, s3: profile.s3, iamId: who.iamId, accountId: who.accountId, file },
      () => `✓ ${who.name || who.iamId} at ${url}, kept as ${name} in ${file}`,
      [name],
    )
    return 'done'
  },
}

function besideControl(url: string): string {
  const { protocol, hostname, port } = new URL(url)
  return `${protocol}//${hostname}:${port === '' || port === '9001' ? 9000 : Number(port) - 1}`
}

async function apiKeyOf(call: Call): Promise<string> {
  const file = call.text('api-key-file')
  const found =
    file === undefined
      ? given(call.environment, 'IBMCLOUD_API_KEY')
      : (await (file === '-' ? readInput(call, file) : readFile(file, 'utf8'))).trim()
  if (found) return found
  if (!isTerminal(call.streams.in ?? process.stdin))
    throw usage('there is no API key', 'export IBMCLOUD_API_KEY=…', 'coffer login URL --api-key-file FILE')
  const typed = await askedSecretly(call, 'API key: ')
  if (typed === '') throw usage('there is no API key')
  return typed
}

export const COMMANDS: readonly CommandSpec[] = [login]
