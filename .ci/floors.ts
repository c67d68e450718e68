import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type Node, parseSync, Visitor } from 'oxc-parser'

/** Rooms of src from the ground up. A file imports from its own room and from lower floors, types included. */
const FLOORS: readonly (readonly string[])[] = [
  ['base'],
  ['observe'],
  ['storage', 'envelope'],
  ['iam', 'objects', 'audit', 'access'],
  ['kms'],
  ['providers'],
  ['api'],
  ['server'],
]

/** Entries of these folders (files or folders) never import one another. `table` lists them all, `shared` serves them all. */
const STRANGERS: readonly {
  readonly folder: RegExp
  readonly table: readonly string[]
  readonly shared: readonly string[]
}[] = [
  { folder: /^src\/providers\//, table: ['index.ts'], shared: ['common'] },
  { folder: /^src\/api\/[^/]+\/operations\//, table: ['index.ts'], shared: [] },
  { folder: /^src\/api\//, table: [], shared: ['common'] },
]

/**
 * Rooms that are to be believed without the rest: what they check the others do. They import themselves and these rooms and
 * built-in modules, and of the others only the table of commands imports them.
 */
const APART: Readonly<Record<string, readonly string[]>> = { decrypt: [], prove: ['decrypt'], cli: ['base'] }
/** What the client of a server, which is apart too, needs of npm. */
const CLIENT_PACKAGES = /^(@aws-sdk\/(client-s3|s3-request-presigner)|smol-toml)$/
const ENTRY = 'src/server/commands/index.ts'

/**
 * Runs in browsers, and is served as files: no other room imports it, and what it imports of others are types alone, which
 * are gone when it is built. Of packages it has preact; `build.ts`, which makes the files, runs in Node.
 */
const WEB = 'web'
const WEB_PACKAGES = ['preact', 'preact/hooks']
const WEB_BUILD = 'src/web/build.ts'

/** Packages and built-in modules that only some files may import. */
const ONLY_IN: readonly { readonly packages: readonly string[]; readonly files: RegExp }[] = [
  { packages: ['koa', '@koa/router'], files: /^src\/(api\/common|server)\// },
  { packages: ['busboy'], files: /^src\/api\/s3\/post-form\.ts$/ },
  { packages: ['@nats-io/transport-node'], files: /^src\/server\/notifications\/nats\.ts$/ },
  { packages: ['level', 'classic-level'], files: /^src\/storage\/metadata\/level-store\.ts$/ },
  { packages: ['node:crypto', 'crypto'], files: /^src\/(base|envelope|audit|kms|iam|api\/s3\/sigv4|providers)\// },
]

const READS_ENVIRONMENT = /^src\/(server\/config|cli\/environment)\.ts$/

export interface Violation {
  /** Relative to the root, with forward slashes. */
  readonly file: string
  readonly line: number
  readonly message: string
}

interface Import {
  readonly specifier: string
  readonly offset: number
  readonly isType: boolean
}

interface SourceFile {
  readonly name: string
  readonly text: string
  readonly imports: readonly Import[]
  readonly environmentReads: readonly number[]
}

/** Checks every .ts and .tsx file under `<root>/src`. An empty list means that the house stands. */
export function checkFloors(root: string): Violation[] {
  const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => path.posix.join('src', name.split(path.sep).join('/')))
    .sort()
    .map((name) => parse(name, readFileSync(path.join(root, name), 'utf8')))
  return [...files.flatMap(checkFile), ...cycles(files)]
}

function parse(name: string, text: string): SourceFile {
  const { program, errors } = parseSync(name, text)
  if (errors[0] !== undefined) throw new Error(`${name}: ${errors[0].message}`)
  const imports: Import[] = []
  const environmentReads: number[] = []
  const importFrom = (source: Node | null, isType = false): void => {
    if (source?.type === 'Literal' && typeof source.value === 'string')
      imports.push({ specifier: source.value, offset: source.start, isType })
  }
  new Visitor({
    ImportDeclaration: (node) => {
      importFrom(node.source, node.importKind === 'type')
      const namesEnvironment = node.specifiers.some(
        (one) => one.type !== 'ImportSpecifier' || nameOf(one.imported) === 'env',
      )
      if (/^(node:)?process$/.test(node.source.value) && namesEnvironment) environmentReads.push(node.start)
    },
    ExportNamedDeclaration: (node) => importFrom(node.source, node.exportKind === 'type'),
    ExportAllDeclaration: (node) => importFrom(node.source),
    ImportExpression: (node) => importFrom(node.source),
    TSImportType: (node) => importFrom(node.source, true),
    MemberExpression: (node) => {
      const ofProcess = node.object.type === 'Identifier' && node.object.name === 'process'
      if (ofProcess && nameOf(node.property) === 'env') environmentReads.push(node.start)
    },
    VariableDeclarator: (node) => {
      if (node.init?.type === 'Identifier' && node.init.name === 'process') environmentReads.push(node.start)
    },
  }).visit(program)
  return { name, text, imports, environmentReads }
}

function nameOf(node: Node): string | undefined {
  if (node.type === 'Identifier') return node.name
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined
}

function checkFile(file: SourceFile): Violation[] {
  const found = file.imports.flatMap(({ specifier, offset, isType }) => {
    const message = isOfWeb(file.name, specifier)
      ? checkWeb(file.name, specifier, isType)
      : specifier.startsWith('.')
        ? (checkFloor(file.name, resolve(file.name, specifier)) ??
          checkStrangers(file.name, resolve(file.name, specifier)))
        : checkPackage(file.name, specifier)
    return message === undefined ? [] : [{ file: file.name, line: lineAt(file.text, offset), message }]
  })
  if (READS_ENVIRONMENT.test(file.name)) return found
  const reads = file.environmentReads.map((offset) => ({
    file: file.name,
    line: lineAt(file.text, offset),
    message: 'reads process.env: settings come from server/config.ts',
  }))
  return [...found, ...reads]
}

const isOfWeb = (from: string, specifier: string): boolean =>
  roomOf(from) === WEB || (specifier.startsWith('.') && roomOf(resolve(from, specifier)) === WEB)

function checkWeb(from: string, specifier: string, isType: boolean): string | undefined {
  if (roomOf(from) !== WEB) return `imports ${specifier}: what runs in browsers is served, and imported by nobody`
  if (!specifier.startsWith('.')) {
    if (from === WEB_BUILD || WEB_PACKAGES.includes(specifier)) return undefined
    return `imports ${specifier}: ${WEB} needs ${WEB_PACKAGES.join(' and ')} and nothing else`
  }
  const to = resolve(from, specifier)
  if (roomOf(to) === WEB || (isType && to.startsWith('src/'))) return undefined
  return `imports ${to}: browsers get types alone of what is elsewhere (import type)`
}

const resolve = (from: string, specifier: string): string => path.posix.join(path.posix.dirname(from), specifier)
const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length
const roomOf = (file: string): string => file.split('/')[1] ?? ''
const floorOf = (room: string): number => FLOORS.findIndex((rooms) => rooms.includes(room))

function checkFloor(from: string, to: string): string | undefined {
  if (!to.startsWith('src/')) return `imports ${to}, which is outside src`
  const [fromRoom, toRoom] = [roomOf(from), roomOf(to)]
  if (fromRoom === toRoom) return undefined
  if (fromRoom in APART || toRoom in APART) {
    if (APART[fromRoom]?.includes(toRoom) || (from === ENTRY && toRoom in APART)) return undefined
    return `imports ${to}: ${fromRoom in APART ? fromRoom : toRoom} shares no code with the rest`
  }
  const [fromFloor, toFloor] = [floorOf(fromRoom), floorOf(toRoom)]
  if (fromFloor < 0 || toFloor < 0) return `imports ${to}: ${fromFloor < 0 ? fromRoom : toRoom} is on no floor`
  if (toFloor < fromFloor) return undefined
  return `imports ${to}: ${fromRoom} ${toFloor === fromFloor ? 'and' : 'stands below'} ${toRoom}${toFloor === fromFloor ? ' never meet' : ''}`
}

function checkStrangers(from: string, to: string): string | undefined {
  for (const { folder, table, shared } of STRANGERS) {
    const [home, other] = [folder.exec(from)?.[0], folder.exec(to)?.[0]]
    if (home === undefined || home !== other) continue
    const [here, there] = [from.slice(home.length).split('/')[0] ?? '', to.slice(home.length).split('/')[0] ?? '']
    if (here !== there && !table.includes(here) && !shared.includes(there))
      return `imports ${to}: ${here} and ${there} never meet`
  }
  return undefined
}

function checkPackage(from: string, specifier: string): string | undefined {
  if (roomOf(from) in APART)
    return specifier.startsWith('node:') || (roomOf(from) === 'cli' && CLIENT_PACKAGES.test(specifier))
      ? undefined
      : `imports ${specifier}: ${roomOf(from)} needs Node and nothing else`
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const rule = ONLY_IN.find(({ packages }) => packages.includes(name))
  return rule === undefined || rule.files.test(from)
    ? undefined
    : `imports ${name}, which only ${rule.files.source} may`
}

/** Each cycle once, reported at its first file in alphabetical order. */
function cycles(files: readonly SourceFile[]): Violation[] {
  const edges = new Map(
    files.map(({ name, imports }) => [
      name,
      imports.filter((one) => one.specifier.startsWith('.')).map((one) => resolve(name, one.specifier)),
    ]),
  )
  const done = new Set<string>()
  const found: Violation[] = []
  const walk = (name: string, trail: readonly string[]): void => {
    const start = trail.indexOf(name)
    if (start >= 0)
      found.push({ file: name, line: 1, message: `is in a cycle: ${[...trail.slice(start), name].join(' → ')}` })
    if (start >= 0 || done.has(name)) return
    for (const next of edges.get(name) ?? []) walk(next, [...trail, name])
    done.add(name)
  }
  for (const name of edges.keys()) walk(name, [])
  return found
}

if (import.meta.main) {
  const violations = checkFloors(path.join(import.meta.dirname, '..'))
  for (const { file, line, message } of violations) console.error(`${file}:${line} ${message}`)
  console.log(violations.length === 0 ? 'floors: all imports go down' : `floors: ${violations.length} violations`)
  process.exitCode = violations.length === 0 ? 0 : 1
}
