import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { type KeysHalf, startKeysHalf } from '../support/keys-half.ts'
import { fillBucket, KILL_SWITCHES, type KillSwitchStore, throwSwitch } from '../support/kill-switch.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

/** What the product promises. */
const BOUND_MS = 5000

let home: TemporaryDirectory
let half: KeysHalf
let keys: KeyOwner
let keyId: string
let stores: ServerProcess[]
let targets: KillSwitchStore[]
beforeAll(async () => {
  home = await temporaryDirectory()
  half = await startKeysHalf({ directory: home.path })
  keys = await keyOwner(half.server.controlUrl)
  const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
  const settings = { ...half.settings, COFFER_LOG_LEVEL: 'warn' }
  stores = await Promise.all(
    ['a', 'b'].map((name) => startServerProcess({ dataDir: home.join(name), bootstrapFile, settings })),
  )
  targets = stores.map(({ s3Url }) => ({ s3Url, bucket: 'bucket' }))
  const { id, crn } = await keys.newKey('switched')
  keyId = id
  for (const target of targets) await fillBucket(target, crn)
})
afterAll(async () => {
  for (const one of [...stores, half]) await one[Symbol.asyncDispose]()
  await home[Symbol.asyncDispose]()
})

describe.runIf(existsSync('/proc/net/tcp'))('Two stores under one root key of another process', () => {
  it.each(KILL_SWITCHES)(
    '%s: within 5 s neither serves anything of it, and within 5 s of its return both do',
    async (how) => {
      for (const times of await throwSwitch(how, keys, keyId, targets)) {
        for (const ms of Object.values(times)) expect(ms, JSON.stringify(times)).toBeLessThan(BOUND_MS)
      }
    },
    60_000,
  )
})
