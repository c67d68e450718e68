import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { configDirectory, type Environment } from './environment.ts'
import { CommandFailure, notFound } from './failure.ts'
import { member, textOf } from './json.ts'

/** What `coffer login` keeps of a server. */
export interface Profile {
  readonly control: string
  readonly s3: string
  readonly apiKey?: string | undefined
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: string | undefined
  readonly region?: string | undefined
  /** The Key Protect instance that a key is looked for in first. */
  readonly keyProtectInstance?: string | undefined
  /** PEM file, trusted besides the system's certificates. */
  readonly caFile?: string | undefined
}

export interface Profiles {
  readonly current: string | undefined
  readonly profiles: ReadonlyMap<string, Profile>
}

const NAMES = {
  control: 'control',
  s3: 's3',
  apiKey: 'api-key',
  accessKeyId: 'access-key-id',
  secretAccessKey: 'secret-access-key',
  region: 'region',
  keyProtectInstance: 'key-protect-instance',
  caFile: 'ca-file',
} as const satisfies Record<keyof Profile, string>

const fileOf = (environment: Environment): string => join(configDirectory(environment), 'profiles.toml')

/** None where there is no file. Throws ProfilesInvalid. */
export async function readProfiles(environment: Environment): Promise<Profiles> {
  const file = fileOf(environment)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (member(error, 'code') === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return { current: undefined, profiles: new Map() }
  const document = await parseToml(file, text)
  const tables = member(document, 'profiles')
  const entries = typeof tables === 'object' && tables !== null ? Object.entries(tables) : []
  return {
    current: textOf(document, 'current'),
    profiles: new Map(entries.map(([name, table]) => [name, profileOf(table)])),
  }
}

async function parseToml(file: string, text: string): Promise<unknown> {
  const { parse } = await import('smol-toml')
  try {
    return parse(text)
  } catch {
    // The parser's message quotes the file, which holds secrets.
    throw new CommandFailure({
      code: 'ProfilesInvalid',
      ending: 'config',
      why: `${file} is not TOML; mend or remove it`,
    })
  }
}

function profileOf(table: unknown): Profile {
  const members = Object.entries(NAMES).flatMap(([name, spelled]) => {
    const value = textOf(table, spelled)
    return value === undefined ? [] : [[name, value] as const]
  })
  return { control: '', s3: '', ...Object.fromEntries(members) }
}

/** For its owner alone; replaced as a whole. */
export async function writeProfiles(environment: Environment, { current, profiles }: Profiles): Promise<string> {
  const { stringify } = await import('smol-toml')
  const file = fileOf(environment)
  const tables = Object.fromEntries(
    [...profiles].map(([name, profile]) => [
      name,
      Object.fromEntries(
        Object.entries(profile).flatMap(([key, value]) => {
          const spelled = Object.entries(NAMES).find(([known]) => known === key)?.[1]
          return spelled === undefined || value === undefined ? [] : [[spelled, value]]
        }),
      ),
    ]),
  )
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const fresh = `${file}.${process.pid}`
  await writeFile(fresh, stringify({ ...(current === undefined ? {} : { current }), profiles: tables }), {
    mode: 0o600,
  })
  await rename(fresh, file)
  return file
}

/** The profile of that name. Throws NoSuchProfile. */
export function profileNamed({ profiles }: Profiles, name: string): Profile {
  const found = profiles.get(name)
  if (!found) throw notFound('NoSuchProfile', `there is no profile ${name}`, 'coffer profile ls', 'coffer login URL')
  return found
}
