import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { keepCompiledCode } from '../../src/server/compile-cache.js'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const SERVER = path.join(import.meta.dirname, '../../src/server')

/** Node's own switch would turn the cache off, or put it elsewhere. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.endsWith('_COMPILE_CACHE') && name !== 'NODE_OPTIONS'),
)

const node = (...args: readonly string[]): string =>
  execFileSync(process.execPath, args, { env: ENVIRONMENT, encoding: 'utf8' })

test('compiled code is kept for later starts, in a directory that only its user may enter', async () => {
  await using home = await temporaryDirectory()
  const cache = home.join('new', 'cache')
  const program = `
    import { keepCompiledCode } from '${SERVER}/compile-cache.js'
    const kept = keepCompiledCode(${JSON.stringify(cache)})
    await import('${SERVER}/run.ts')
    process.stdout.write(JSON.stringify({ kept, compilers: process.moduleLoadList.filter((name) => /amaro/.test(name)).length }))`
  const told = (): unknown => JSON.parse(node('--input-type=module', '--eval', program))
  expect(told()).toEqual({ kept: true, compilers: 1 })
  expect(statSync(cache).mode & 0o777).toBe(0o700)
  expect(readdirSync(cache, { recursive: true }).length).toBeGreaterThan(500)
  expect(told()).toEqual({ kept: true, compilers: 0 })
})

test.each<[string, (cache: string) => void]>([
  [
    'that others may write to',
    (cache) => {
      mkdirSync(cache)
      chmodSync(cache, 0o702)
    },
  ],
  [
    'that its group may write to',
    (cache) => {
      mkdirSync(cache)
      chmodSync(cache, 0o770)
    },
  ],
  [
    'that is a link',
    (cache) => {
      mkdirSync(`${cache}-elsewhere`, { mode: 0o700 })
      symlinkSync(`${cache}-elsewhere`, cache)
    },
  ],
  ['that cannot be made', (cache) => writeFileSync(cache, '')],
])('no compiled code is taken from a directory %s, and the start goes on', async (_, make) => {
  await using home = await temporaryDirectory()
  const cache = home.join('cache')
  make(cache)
  expect(keepCompiledCode(cache)).toBe(false)
})

test('the program loads nothing that few need: not undici, not the clients of S3 and NATS', async () => {
  await using home = await temporaryDirectory()
  const list = home.join('loaded')
  const spy = `
    import { writeFileSync } from 'node:fs'
    import { registerHooks } from 'node:module'
    const urls = []
    registerHooks({
      load: (url, context, next) => {
        urls.push(url)
        return next(url, context)
      },
    })
    process.on('exit', () => writeFileSync(${JSON.stringify(list)}, [...urls, ...process.moduleLoadList].join('\\n')))`
  node('--import', `data:text/javascript,${encodeURIComponent(spy)}`, path.join(SERVER, 'main.js'), 'serve', '--help')
  const loaded = readFileSync(list, 'utf8')
  expect(loaded).toMatch(/server\/compose\.ts$/m)
  expect(loaded).not.toMatch(/undici|@aws-sdk|@nats-io/)
})
