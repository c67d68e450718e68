import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { CLIENTS_DIR, run } from '../../clients/command.ts'
import { bootstrapOf } from '../../support/bootstrap.ts'
import { keyOwner } from '../../support/keys.ts'
import { queryApi } from '../../support/query-api.ts'
import { type ServerProcess, startServerProcess } from '../../support/server-process.ts'
import { HTTP_ISSUER, SECTIONS, sectionsOfUsers, suiteConfig } from './identities.ts'
import { formatReport, type SuiteResult } from './report.ts'

/**
 * Runs a checkout of ceph/s3-tests, as it is, against a fresh server:
 * S3TESTS_DIR=<checkout> npm run s3-tests -- [--select <expression of pytest -k>] [--all] [--out <directory>] [-- pytest arguments]
 */
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    select: { type: 'string' },
    /** Also IAM, STS, SNS and Select. */
    all: { type: 'boolean', default: false },
    /** Keeps the results, pytest's output and the server's output here. */
    out: { type: 'string' },
    workers: { type: 'string', default: '2' },
    timeout: { type: 'string', default: '60' },
    server: { type: 'string' },
  },
})

// Asserts on the account's whole list of buckets, so it runs alone.
const ALONE = 'test_s3.py::test_list_buckets_paginated'
// Mostly waiting: days of a lifecycle, and logs to be delivered.
const WAITING = 'lifecycle or lifecycle_expiration or lifecycle_transition or bucket_logging'
// Of another server's own: tiers and restores from clouds.
const FOREIGN = 'cloud_transition or cloud_restore'
const DAY_SECONDS = 10
const STORAGE_CLASSES = ['STANDARD_IA', 'ONEZONE_IA']
// Of users in an account, one of whom gets policies from the other, and of some that take rights away which the user has.
const USERS = 'iam_tenant'
const DENIALS = [
  ...['bucket', 'object', 'multipart', 'tagging'].map((what) => `deny_${what}_actions_in_user_policy`),
  ...['verify_conflicting_user_policies', 'verify_conflicting_user_policy_statements'],
]
const deselected = (test: string) => ['--deselect', test]
const REQUIREMENTS = ['pytest-xdist', 'pytest-timeout']

const suite = process.env['S3TESTS_DIR']
if (suite === undefined) throw new Error('S3TESTS_DIR must name a checkout of https://github.com/ceph/s3-tests')
const python = await installPython(suite)
const home = await mkdtemp(path.join(tmpdir(), 'coffer-s3-tests-'))
const out = options.out ?? home
await mkdir(out, { recursive: true })
const server = await startServer(home)
try {
  const config = path.join(home, 's3tests.conf')
  const rootKeys = ['suite-key-one', 'suite-key-two'] as const
  const owner = await keyOwner(server.controlUrl, SECTIONS['s3 main'])
  for (const name of rootKeys) await owner.newKey(name, { aliases: [name] })
  const withClasses = path.join(home, 's3tests-classes.conf')
  const suiteServer = { port: server.s3Port, rootKeys, daySeconds: DAY_SECONDS }
  await writeFile(config, suiteConfig(suiteServer))
  await writeFile(withClasses, suiteConfig({ ...suiteServer, storageClasses: STORAGE_CLASSES }))
  const reportFile = path.join(out, 'results.jsonl')
  await rm(reportFile, { force: true })
  const files = (
    options.all
      ? ['test_s3', 'test_headers', 'test_iam', 'test_sts', 'test_sns', 'test_s3select']
      : ['test_s3', 'test_headers']
  ).map((name) => `s3tests/functional/${name}.py`)
  const chosen = [...(options.select === undefined ? [] : ['-k', options.select]), ...positionals]
  const folder = 's3tests/functional'
  const settings = { S3TEST_CONF: config, SUITE_REPORT: reportFile }
  if (chosen.length === 0)
    await pytest(settings, ['-p', 'no:xdist', '--timeout', options.timeout, `${folder}/${ALONE}`])
  const parallel = (workers: string, markers: string, timeout: string, of: readonly string[], conf = config) =>
    pytest({ ...settings, S3TEST_CONF: conf }, [
      ...['-n', workers, '--dist', 'worksteal', '--timeout', timeout, '--deselect', `${folder}/${ALONE}`],
      ...['-m', markers, ...of, ...chosen],
    ])
  await parallel(options.workers, `not (${WAITING} or ${FOREIGN} or ${USERS})`, options.timeout, files)
  if (options.all) {
    const file = `${folder}/test_iam.py`
    const denials = DENIALS.map((name) => `${file}::test_${name}`)
    const asUser = async (user: Awaited<ReturnType<typeof newUser>>, ...of: readonly string[]): Promise<void> => {
      const conf = path.join(home, `s3tests-${user.name}.conf`)
      await writeFile(conf, suiteConfig(suiteServer, sectionsOfUsers(user)))
      await parallel('1', USERS, options.timeout, of, conf)
    }
    await asUser(await newUser(server, 'suite-user', 's3:ListAllMyBuckets'), file, ...denials.flatMap(deselected))
    await asUser(await newUser(server, 'suite-writer', 's3:*'), ...denials)
  }
  await parallel(
    '8',
    `(${WAITING}) and not (${FOREIGN})`,
    `${20 * DAY_SECONDS + 60}`,
    [`${folder}/test_s3.py`],
    withClasses,
  )
  const results = await readResults(reportFile)
  console.log(`\n${formatReport(results)}`)
  if (!server.running()) throw new Error(`the server ended by itself:\n${server.output()}`)
} finally {
  if (options.out !== undefined) await writeFile(path.join(out, 'server.log'), server.output())
  await server.stop()
  await rm(home, { recursive: true, force: true })
}

async function installPython(suite: string): Promise<string> {
  const directory = path.join(CLIENTS_DIR, 's3-tests')
  const python = path.join(directory, 'bin/python')
  const ready = await run(python, ['-c', 'import boto3, munch, xdist, pytest_timeout']).then(
    () => true,
    () => false,
  )
  if (ready) return python
  await run('python3', ['-m', 'venv', directory])
  await run(python, ['-m', 'pip', 'install', '--quiet', '-r', path.join(suite, 'requirements.txt'), ...REQUIREMENTS])
  return python
}

async function startServer(home: string): Promise<ServerProcess> {
  const bootstrapFile = path.join(home, 'bootstrap.json')
  await writeFile(bootstrapFile, JSON.stringify(bootstrapOf(Object.values(SECTIONS))))
  const server = await startServerProcess({
    dataDir: path.join(home, 'data'),
    bootstrapFile,
    settings: {
      COFFER_LOG_LEVEL: 'warn',
      // The suite was written for buckets as AWS made them before 2023.
      COFFER_S3_BUCKET_DEFAULTS: 'classic',
      COFFER_IAM_OIDC_HTTP_ISSUERS: HTTP_ISSUER,
      COFFER_STORAGE_CLASSES: STORAGE_CLASSES.map((name) => `${name}=${path.join(home, name)}`).join(','),
      COFFER_LIFECYCLE_DAY_SECONDS: `${DAY_SECONDS}`,
      // Logs are looked for 5.5 seconds after what they tell of, and in one object.
      COFFER_S3_ACCESS_LOG_INTERVAL_MS: '4000',
    },
    ...(options.server === undefined ? {} : { main: options.server }),
  })
  return server
}

/** A user of AWS's kind in the account of the section `iam`, whose group gives it one right. Every test begins with a list of buckets. */
async function newUser({ s3Port }: ServerProcess, UserName: string, Action: string) {
  const call = queryApi(`http://127.0.0.1:${s3Port}`, 'iam', SECTIONS['iam']?.user)
  const GroupName = `${UserName}s`
  await call('CreateUser', { UserName })
  await call('CreateGroup', { GroupName })
  await call('AddUserToGroup', { GroupName, UserName })
  const Statement = { Effect: 'Allow', Action, Resource: '*' }
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
  await call('PutGroupPolicy', { GroupName, PolicyName: 'group', PolicyDocument })
  const key = await call('CreateAccessKey', { UserName })
  if (key.outcome !== '200') throw new Error(`no user could be made: ${key.body}`)
  return { name: UserName, accessKeyId: key.text('AccessKeyId'), secretAccessKey: key.text('SecretAccessKey') }
}

/** Failing tests make pytest end with 1, which is what the report is for; anything else is a failure of the run. */
async function pytest(settings: Readonly<Record<string, string>>, args: readonly string[]): Promise<void> {
  const common = ['-m', 'pytest', '-p', 'suite_report', '-p', 'no:cacheprovider', '-q', '--tb=line', '-r', 'N']
  const child = spawn(python, [...common, ...args], {
    cwd: suite,
    stdio: ['ignore', 'inherit', 'inherit'],
    // Nothing of the caller's own AWS settings.
    env: {
      ...settings,
      PATH: process.env['PATH'],
      HOME: home,
      LANG: 'C.UTF-8',
      TZ: 'UTC',
      PYTHONPATH: import.meta.dirname,
      PYTHONDONTWRITEBYTECODE: '1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_MAX_ATTEMPTS: '1',
    },
  })
  const [code] = await once(child, 'close')
  // 5: nothing of what was chosen is in this part.
  if (code !== 0 && code !== 1 && code !== 5) throw new Error(`pytest ended with ${code}`)
}

async function readResults(file: string): Promise<readonly SuiteResult[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
  return lines.map((line): SuiteResult => JSON.parse(line))
}
