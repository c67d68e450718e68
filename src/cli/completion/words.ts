import type { Call } from '../call.ts'
import { type DescribedCommand, GLOBAL_OPTIONS, type Kind, optionsOf } from '../described.ts'
import { everybody } from '../identities.ts'
import { keyInstances, keyLabel, keysOf } from '../key-protect.ts'
import { readProfiles } from '../profiles.ts'
import { entries } from '../s3/listing.ts'

/** Commands of a store on its own machine, which this room does not know otherwise, with their verbs. */
export const LOCAL: Readonly<Record<string, readonly string[]>> = {
  serve: [],
  init: [],
  config: ['show', 'explain', 'validate', 'example'],
  audit: ['verify', 'export', 'public-key'],
  decrypt: ['list', 'get', 'wrapped'],
  verify: [],
  salvage: [],
  backup: ['create', 'ls', 'verify', 'prune'],
  doctor: [],
  provider: ['add', 'rm'],
  keys: ['backup', 'restore'],
  restore: [],
  prove: ['verify'],
  help: ['exit-codes', 'environment', 'output', 'references'],
}
const MOST = 200

/** What may stand in place of the last word. Never throws: who types wants no error. */
export async function completionWords(call: Call, words: readonly string[]): Promise<readonly string[]> {
  const typed = words.at(-1) ?? ''
  const [noun, ...rest] = words.slice(0, -1)
  const fitting = (all: readonly string[]) => all.filter((word) => word.startsWith(typed)).slice(0, MOST)
  if (noun === undefined)
    return fitting([...new Set([...call.nouns.map((one) => one.noun), ...Object.keys(LOCAL)])].sort())
  const ofStore = rest.length === 0 ? fitting(LOCAL[noun] ?? []) : []
  const entry = call.nouns.find((one) => one.noun === noun)
  if (!entry) return ofStore
  const { COMMANDS } = await entry.load()
  const spec = commandOf(COMMANDS, rest)
  if (spec === undefined || ofStore.length > 0) return [...ofStore, ...fitting(nextVerbs(COMMANDS, rest))]
  const options = { ...GLOBAL_OPTIONS, ...optionsOf(spec) }
  const before = rest.at(-1)?.startsWith('--') ? options[rest.at(-1)?.slice(2) ?? ''] : undefined
  if (before?.value !== undefined) return fitting(before.choices ?? (await named(call, before.kind, typed)))
  if (typed.startsWith('-')) return fitting(Object.keys(options).map((name) => `--${name}`))
  const verbs = nextVerbs(COMMANDS, rest)
  const kind = kindOf(spec, rest)
  return fitting([...verbs, ...(await named(call, kind, typed))])
}

const commandOf = (commands: readonly DescribedCommand[], words: readonly string[]): DescribedCommand | undefined =>
  commands
    .filter(({ name }) => name === '' || name.split(' ').every((part, at) => words[at] === part))
    .toSorted((a, b) => b.name.length - a.name.length)[0]

/** The next words of names that begin with these. */
const nextVerbs = (commands: readonly DescribedCommand[], words: readonly string[]): readonly string[] => [
  ...new Set(
    commands.flatMap(({ name }) => {
      const parts = name.split(' ')
      const isBeginning = name !== '' && words.every((word, at) => parts[at] === word)
      return isBeginning ? (parts[words.length] ?? []) : []
    }),
  ),
]

/** Of the argument that is being typed. */
function kindOf(spec: DescribedCommand, words: readonly string[]): Kind | undefined {
  const options = { ...GLOBAL_OPTIONS, ...optionsOf(spec) }
  const own = words.slice(spec.name === '' ? 0 : spec.name.split(' ').length)
  const placed = own.filter((word, at) => {
    const before = own[at - 1]
    return !word.startsWith('-') && !(before?.startsWith('--') && options[before.slice(2)]?.value !== undefined)
  })
  const wanted = spec.arguments ?? []
  return (wanted[placed.length] ?? wanted.findLast(({ many }) => many))?.kind
}

async function named(call: Call, kind: Kind | undefined, typed: string): Promise<readonly string[]> {
  try {
    if (kind === 'profile') return [...(await readProfiles(call.environment)).profiles.keys()]
    if (kind === 'bucket') return await buckets(call)
    if (kind === 'object') return await objectNames(call, typed)
    if (kind === 'key') {
      const server = await call.server()
      const keys = await Promise.all((await keyInstances(server)).map((instance) => keysOf(server, instance)))
      return keys
        .flat()
        .filter(({ isRootKey }) => isRootKey)
        .map(keyLabel)
    }
    if (kind === 'user') return (await everybody(await call.server())).map(({ name }) => name)
    return []
  } catch {
    return []
  }
}

async function buckets(call: Call): Promise<readonly string[]> {
  const { Buckets: found = [] } = await (await (await call.server()).s3()).listBuckets({})
  return found.flatMap(({ Name: name }) => name ?? [])
}

/** Buckets with a slash, and then what is in the folder that is being typed. */
async function objectNames(call: Call, typed: string): Promise<readonly string[]> {
  const scheme = typed.startsWith('s3://') ? 's3://' : ''
  const [bucket = '', ...rest] = typed.slice(scheme.length).split('/')
  if (rest.length === 0) return (await buckets(call)).map((name) => `${scheme}${name}/`)
  const names: string[] = []
  const s3 = await (await call.server()).s3()
  for await (const entry of entries(s3, { bucket, prefix: rest.join('/'), shallow: true })) {
    names.push(`${scheme}${bucket}/${entry.type === 'prefix' ? entry.prefix : entry.object.key}`)
    if (names.length === MOST) break
  }
  return names
}
