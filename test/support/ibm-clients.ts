import { execFile } from 'node:child_process'
import { mkdir, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const CLIENTS = new URL('../ibm-clients/', import.meta.url).pathname

const STALE_MS = 120_000

/** An answer as IBM's clients give it. */
export interface IbmReply {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly result: any
  readonly headers: Readonly<Record<string, string>>
}
export type IbmCall = (parameters?: object) => Promise<IbmReply>
export type IbmClient = Readonly<Record<string, IbmCall>>

/** By name, so that tables of calls can be driven. */
export function ibmCall(client: IbmClient, name: string, parameters: object): Promise<IbmReply> {
  const method = client[name]
  if (!method) throw new Error(`the client has no ${name}`)
  return method.call(client, parameters)
}

/**
 * `require` of IBM's own packages, which have a directory and a lockfile of their own, as their dependencies do not go
 * together with the project's. The first test that asks installs them.
 */
export async function ibmPackages(name: 'platform-services' | 'key-protect'): Promise<NodeJS.Require> {
  const directory = path.join(CLIENTS, name)
  await installed(directory)
  return createRequire(path.join(directory, 'package.json'))
}

/** npm writes its own lockfile last: it is younger than the one that it was made from. */
async function isInstalled(directory: string): Promise<boolean> {
  const made = await changedAtMs(path.join(directory, 'node_modules', '.package-lock.json'))
  const wanted = await changedAtMs(path.join(directory, 'package-lock.json'))
  return made !== undefined && wanted !== undefined && made >= wanted
}

const changedAtMs = (file: string): Promise<number | undefined> =>
  stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  )

/** By one process at a time: test files run side by side. */
async function installed(directory: string): Promise<void> {
  const lock = path.join(directory, '.installing')
  while (!(await isInstalled(directory))) {
    if (await mkdir(lock).then(() => true, isTaken)) {
      try {
        const flags = ['ci', '--prefix', directory, '--ignore-scripts', '--no-audit', '--no-fund']
        await promisify(execFile)('npm', flags)
      } finally {
        await rm(lock, { recursive: true })
      }
    } else {
      // Left by a test run that was killed.
      if (Date.now() - ((await changedAtMs(lock)) ?? Date.now()) > STALE_MS) await rm(lock, { recursive: true })
      await sleep(200)
    }
  }
}

function isTaken(error: unknown): boolean {
  if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
  throw error
}

/** One of the platform's clients, with an API key that it gets its tokens for. */
export async function platformClient(
  service: 'iam-identity/v1' | 'iam-policy-management/v1' | 'resource-controller/v2' | 'user-management/v1',
  controlUrl: string,
  apikey: string,
): Promise<IbmClient> {
  const require = await ibmPackages('platform-services')
  const module: { default?: unknown } = require(`@ibm-cloud/platform-services/${service}`)
  const Client: new (options: object) => IbmClient = Object(module.default ?? module)
  const auth: { IamAuthenticator: new (options: object) => object } = require('@ibm-cloud/platform-services/auth')
  const authenticator = new auth.IamAuthenticator({ apikey, url: controlUrl })
  return new Client({ authenticator, serviceUrl: controlUrl })
}

/** Status and code of a refusal, as the server said them. */
export async function ibmRefusal(call: Promise<IbmReply>): Promise<string> {
  try {
    const { status } = await call
    return `${status} and no error`
  } catch (error) {
    const { status, body } = Object(error)
    const told = Object(typeof body === 'string' && body !== '' ? JSON.parse(body) : body)
    return `${status} ${told.errors?.[0]?.code ?? told.error_code ?? told.errorCode ?? '-'}`
  }
}
