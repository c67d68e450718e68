import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/base/exit-status.ts'
import { COMMANDS } from '../../src/server/commands/index.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { type CliServer, startCliServer } from '../support/cli-server.ts'
import { runCommand } from '../support/coffer-command.ts'
import { ownCommand } from '../support/own-command.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const MAIN = join(import.meta.dirname, '../../src/server/main.js')

/** Examples of the commands that work on a store on their own machine. */
const examples = (
  await Promise.all(
    [...COMMANDS].map(async ([name, { local }]) => {
      if (!local || name === 'help') return []
      const { out } = await (name === 'serve' ? runCommand : ownCommand)([
        name,
        ...(name === 'provider' ? ['add'] : []),
        '--help',
      ])
      const [help = ''] = out.split('\nShows what was done')
      return [...help.matchAll(/^Examples?:\n((?: {2}coffer .*\n)+)/gm)].map(
        ([, lines = '']) =>
          [
            name,
            lines
              .trimEnd()
              .split('\n')
              .map((line) => line.trim()),
          ] as const,
      )
    }),
  )
).flat()

/** What has to be there before an example that begins so. */
const BEFORE: readonly (readonly [string, string])[] = [
  ['coffer audit verify', 'coffer audit public-key --data-dir /var/lib/coffer > audit.pem'],
  ['coffer backup create', 'true'],
  ['coffer backup', 'coffer backup create /mnt/backup --data-dir /var/lib/coffer'],
  ['coffer restore', 'coffer backup create /mnt/backup --data-dir /var/lib/coffer'],
  [
    'coffer keys restore',
    'coffer keys backup --out keys.bundle --passphrase-file bundle.pass --data-dir /var/lib/coffer',
  ],
  [
    'coffer provider rm',
    'coffer provider add key-protect hq --url https://kms.example:9001 --api-key-file /run/secrets/hq --config-file coffer.toml',
  ],
  ['coffer init --data-dir', 'rm -r /var/lib/coffer'],
  [
    'coffer prove verify',
    'coffer audit public-key --data-dir /var/lib/coffer > audit.pem && coffer prove /var/lib/coffer --key-file /etc/coffer.key --report report.json',
  ],
]

let server: CliServer
let template: TemporaryDirectory
let homes: TemporaryDirectory
let made = 0

beforeAll(async () => {
  ;[template, homes, server] = await Promise.all([temporaryDirectory(), temporaryDirectory(), startCliServer()])
  const store = await startCliServer()
  const s3 = s3ClientFor({ s3Url: store.server.s3Url, ...mainAccount.user })
  await makeBucket(s3, 'photos')
  await s3.send(new PutObjectCommand({ Bucket: 'photos', Key: 'one.jpg', Body: 'one' }))
  s3.destroy()
  await store.server.stop()
  for (const place of ['var/lib', 'etc/coffer', 'mnt', 'run/secrets'])
    await mkdir(template.join(place), { recursive: true })
  const dataDir = template.join('var/lib/coffer')
  await cp(store.server.dataDir, dataDir, { recursive: true })
  await copyFile(`${store.server.dataDir}.key`, `${dataDir}.key`)
  await copyFile(`${dataDir}.key`, template.join('etc/coffer.key'))
  await store[Symbol.asyncDispose]()
  const secret = { mode: 0o600 }
  await writeFile(template.join('etc/coffer/coffer.toml'), '[s3]\nregion = "eu-de"\n')
  await writeFile(template.join('run/secrets/hq'), 'an API key\n', secret)
  await writeFile(template.join('bundle.pass'), 'a passphrase of the bundle alone\n', secret)
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await template[Symbol.asyncDispose]()
  await homes[Symbol.asyncDispose]()
})

/** In a copy of its own of what is there before, each at its end. */
async function run(line: string) {
  const home = homes.join(`home-${++made}`)
  await cp(template.path, home, { recursive: true })
  const [, before = 'true'] = BEFORE.find(([start]) => line.startsWith(start)) ?? []
  const placed = `{ ${before}; } > before.txt && ${line}`.replaceAll(/(?<= )\/(?=(var|etc|mnt|run)\/)/g, `${home}/`)
  const child = spawn('sh', ['-c', `coffer() { "$NODE" "$MAIN" "$@"; }\n${placed}`], {
    cwd: home,
    env: {
      ...process.env,
      ...server.environment,
      NODE: process.execPath,
      MAIN,
      COFFER_S3_LISTEN: '127.0.0.1:0',
      COFFER_CONTROL_LISTEN: '127.0.0.1:0',
    },
  })
  child.stdin.end()
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { home, status: child.exitCode, out, err }
}

/** One, of however many lines, or one a line. */
function documents(out: string): readonly unknown[] {
  try {
    return [JSON.parse(out)]
  } catch {
    const lines = out.split('\n').filter((line) => line !== '')
    return lines.map((line) => JSON.parse(line))
  }
}

describe('each example of the help runs:', () => {
  it('of every command there are some', () => {
    const local = [...COMMANDS].filter(([name, one]) => one.local && name !== 'help').map(([name]) => name)
    expect(examples.map(([name]) => name)).toEqual(local)
  })

  it.each(examples.flatMap(([name, lines]) => (name === 'serve' ? [] : lines)))('%s', async (line) => {
    const well = line.startsWith('coffer doctor') ? [EXIT.done, EXIT.partly, EXIT.failed] : [EXIT.done]
    const plain = await run(line)
    expect([plain, well.some((one) => one === plain.status)]).toEqual([plain, true])
    const asJson = await run(`${line.replace(/ > .*/, '').replace(' --json', '')} --json`)
    expect(documents(asJson.out).length).toBeGreaterThan(0)
    expect([asJson, well.some((one) => one === asJson.status)]).toEqual([asJson, true])
    await Promise.all([plain, asJson].map(({ home }) => rm(home, { recursive: true })))
  })
})

describe('each example of coffer serve runs:', () => {
  it.each(examples.flatMap(([name, lines]) => (name === 'serve' ? lines : [])))('%s', async (line) => {
    for (const more of [[], ['--json']]) {
      const home = homes.join(`home-${++made}`)
      await cp(template.path, home, { recursive: true })
      const flags = [...line.split(' ').slice(1), ...more].map((word) =>
        word.replace(/^\.?\/(?=store|var|etc)/, `${home}/`),
      )
      const running = await startServerProcess({ dataDir: join(home, 'other'), flags })
      await running.stop()
      expect(running.output()).toMatch(
        more.length === 0 ? /^Coffer serves S3 on .*, from \S+/m : /^\{"dataDir":".*"s3Url":".*\}$/m,
      )
      await rm(home, { recursive: true })
    }
  })
})
