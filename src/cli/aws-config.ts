import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Environment, given } from './environment.ts'

/**
 * The endpoint that AWS's own rules give for S3: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, then the same of the profile in the
 * shared files, where a `services` section goes first. Undefined: none is set, and the request would go to AWS.
 */
export async function awsEndpoint(environment: Environment): Promise<string | undefined> {
  if (given(environment, 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS')?.toLowerCase() === 'true') return undefined
  const set = given(environment, 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL')
  if (set !== undefined) return set
  const file = given(environment, 'AWS_CONFIG_FILE') ?? join(given(environment, 'HOME') ?? homedir(), '.aws/config')
  const sections = readIni(await readFile(file, 'utf8').catch(() => ''))
  const name = given(environment, 'AWS_PROFILE') ?? 'default'
  const profile = sections.get(name === 'default' ? 'default' : `profile ${name}`) ?? sections.get(name)
  const services = sections.get(`services ${profile?.get('services') ?? ''}`)
  return services?.get('s3.endpoint_url') ?? profile?.get('endpoint_url')
}

type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Members of a nested table (`s3 =` and indented lines) become `s3.endpoint_url`. */
function readIni(text: string): Sections {
  const sections = new Map<string, Map<string, string>>()
  let section = new Map<string, string>()
  let nested = ''
  for (const line of text.split(/\r?\n/)) {
    const head = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1]
    const [, indent = '', name, value = ''] = /^(\s*)([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (head !== undefined) {
      section = sections.get(head.replace(/\s+/g, ' ')) ?? new Map()
      sections.set(head.replace(/\s+/g, ' '), section)
      nested = ''
    } else if (name === undefined || /^\s*[#;]/.test(line)) continue
    else if (indent === '') {
      nested = value === '' ? name : ''
      section.set(name, value)
    } else if (nested !== '') section.set(`${nested}.${name}`, value)
  }
  return sections
}
