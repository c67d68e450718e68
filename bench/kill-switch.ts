import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { mainAccount, writeBootstrapFile } from '../test/support/bootstrap.ts'
import { keyOwner } from '../test/support/keys.ts'
import { startKeysHalf } from '../test/support/keys-half.ts'
import { fillBucket, KILL_SWITCHES, type KillSwitchTimes, throwSwitch } from '../test/support/kill-switch.ts'
import { startServerProcess } from '../test/support/server-process.ts'

/** How long after a root key is taken away a bucket under it is still served, and how soon again once it is given back. */
const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
const rounds = Number(options.rounds)

const FIGURES: readonly (readonly [keyof KillSwitchTimes, string])[] = [
  ['lastReadMs', 'last read served'],
  ['lastWriteMs', 'last write taken'],
  ['runningEndedMs', 'running download reset'],
  ['stalledEndedMs', 'stalled download reset'],
  ['servedAgainMs', 'served again after its return'],
]

const home = await mkdtemp(path.join(tmpdir(), 'coffer-kill-switch-'))
const bootstrapFile = await writeBootstrapFile(path.join(home, 'bootstrap.json'), [mainAccount])
try {
  await using half = await startKeysHalf({ directory: home })
  const apart = { settings: { ...half.settings, COFFER_LOG_LEVEL: 'warn' }, bootstrapFile }
  await using first = await startServerProcess({ ...apart, dataDir: path.join(home, 'first') })
  await using second = await startServerProcess({ ...apart, dataDir: path.join(home, 'second') })
  await measure('keys in another process, two stores', half.server.controlUrl, [first.s3Url, second.s3Url])

  const noDelays = { COFFER_KMS_ENABLE_DELAY_MS: '0', COFFER_KMS_RESTORE_DELAY_MS: '0' }
  await using whole = await startServerProcess({
    bootstrapFile,
    dataDir: path.join(home, 'whole'),
    settings: { ...noDelays, COFFER_LOG_LEVEL: 'warn' },
  })
  await measure('keys in the same process', whole.controlUrl, [whole.s3Url])
} finally {
  await rm(home, { recursive: true })
}

async function measure(what: string, controlUrl: string, s3Urls: readonly string[]): Promise<void> {
  const keys = await keyOwner(controlUrl)
  for (const how of KILL_SWITCHES) {
    const { id, crn } = await keys.newKey(how)
    const stores = s3Urls.map((s3Url) => ({ s3Url, bucket: how.replaceAll(' ', '-') }))
    for (const store of stores) await fillBucket(store, crn)
    const times: KillSwitchTimes[] = []
    for (let round = 0; round < rounds; round++) times.push(...(await throwSwitch(how, keys, id, stores)))
    const figures = FIGURES.map(([name, text]) => `${text} ${spread(times.map((one) => one[name]))}`)
    console.log(`${what}, ${how}: ${figures.join('; ')}`)
  }
}

/** Seconds. Before the answer to the call is 0: the key service had closed already. */
function spread(values: readonly number[]): string {
  const sorted = values.map((ms) => Math.max(0, ms)).sort((a, b) => a - b)
  const at = (index: number) => `${((sorted[index] ?? Number.NaN) / 1000).toFixed(1)} s`
  return `${at(Math.floor(sorted.length / 2))} (at most ${at(sorted.length - 1)})`
}
