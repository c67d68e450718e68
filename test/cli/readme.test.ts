import { spawnSync } from 'node:child_process'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startServerProcess } from '../support/server-process.ts'
import { startShell } from '../support/shell.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const ROOT = join(import.meta.dirname, '../..')
const has = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args).status === 0
const missing = ['aws', 'curl', 'bash'].find((program) => !has(program, '--version'))
if (missing !== undefined) process.stderr.write(`The tour of the README is not tried: there is no ${missing} here.\n`)

/** Each as it is written. */
async function tour(): Promise<readonly string[]> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  return [...readme.matchAll(/^```sh tour\n(.*?)^```$/gms)].map(([, block = '']) => block)
}

it.skipIf(missing !== undefined)('the tour of the README goes as it says', async () => {
  await using home = await temporaryDirectory()
  await mkdir(home.join('node_modules/.bin'), { recursive: true })
  await symlink(join(ROOT, 'src/server/main.js'), home.join('node_modules/.bin/coffer'))
  const settings = { COFFER_KMS_ENABLE_DELAY_MS: '0', COFFER_KMS_ROTATE_INTERVAL_MS: '0', COFFER_LOG_LEVEL: 'error' }
  await using server = await startServerProcess({ dataDir: home.join('data'), settings })
  const exported = server.output().match(/^ {2}export .*$/gm) ?? []
  expect(exported.length).toBeGreaterThan(5)

  await using shell = startShell(home.path, {
    HOME: home.path,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_PAGER: '',
    NPM_CONFIG_UPDATE_NOTIFIER: 'false',
  })
  // As a person's shell: with aliases, and the lines that the first start printed. Nobody waits for a key here.
  await shell.run(['shopt -s expand_aliases', 'sleep() { :; }', ...exported].join('\n'))
  const told: string[] = []
  for (const block of await tour()) {
    const { status, out } = await shell.run(block)
    expect({ block, status, out }).toMatchObject({ status: 0 })
    told.push(out)
  }
  const [put = '', proof = '', vault = '', disabled = '', enabled = '', curl = '', ...more] = told
  expect(more).toEqual([])
  expect(put).toContain('upload: ./hello.txt to s3://plain/hello.txt')
  expect(proof).toMatch(/not on the disk\n[\s\S]*the key of the store/)
  expect(vault).toMatch(
    /keys\/finance-root[\s\S]*✓ vault, under keys\/finance-root[\s\S]*root key +keys\/finance-root\n +version +1 /,
  )
  expect(disabled).toMatch(/ vault +1 object, 14 B\n[\s\S]*Nothing was changed/)
  expect(disabled).toMatch(
    /finance-root is disabled[\s\S]*KMS.DisabledException[\s\S]*\(refused, as it should be\)\n.* hello.txt\nhello, coffer\n$/,
  )
  expect(enabled).toMatch(/finance-root was rotated[\s\S]*hello, coffer\n$/)
  expect(JSON.parse(curl)).toMatchObject({ resources: [{ name: 'finance-root', state: 1 }] })
})
