import { resolve } from 'node:path'
import type { Config } from '../settings.ts'
import { addresses } from './addresses.ts'
import { dataDirectory } from './data-directory.ts'
import type { Check, Finding } from './finding.ts'
import { instanceKey } from './instance-key.ts'
import { leftovers } from './leftovers.ts'
import { listeners } from './listeners.ts'
import { machine } from './machine.ts'
import { askRunning } from './running-server.ts'

/** In the order in which a start meets them. */
const CHECKS: readonly Check[] = [machine, dataDirectory, leftovers, instanceKey, listeners, addresses]

export async function examine(config: Config): Promise<readonly Finding[]> {
  const running = await askRunning(config)
  const examined = { config, dataDir: resolve(config['data-dir']), running }
  const found: Finding[] = []
  for (const check of CHECKS) found.push(...(await check(examined)))
  return found
}
