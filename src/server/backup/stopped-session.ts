import { join } from 'node:path'
import { openSigningKey } from '../../audit/keys.ts'
import { logMark } from '../../envelope/log-mark.ts'
import { copyLevelStore } from '../../storage/metadata/level-copy.ts'
import { openLevelStore } from '../../storage/metadata/level-store.ts'
import type { StoredRows } from '../../storage/metadata/stored-rows.ts'
import { givenInstanceKey } from '../given-instance-key.ts'
import type { Config } from '../settings.ts'
import { scratchDirectory, storesIn, takeStoredData } from '../stored-data.ts'
import type { StoreName } from '../stores.ts'
import { backupError } from './manifest.ts'
import { type BackupSession, sessionOf } from './session.ts'

/**
 * A backup of a data directory that no server has; none can start meanwhile. `after`: the newest backup beside which it is to lie.
 * Throws as openStoredData.
 */
export async function stoppedSession(config: Config, after?: string): Promise<BackupSession> {
  await using scope = new AsyncDisposableStack()
  const dataDir = await takeStoredData(config['data-dir'], scope)
  const instanceKey = scope.use(await givenInstanceKey(config, dataDir))
  const seed = instanceKey.derive('audit')
  const key = openSigningKey(seed)
  seed.fill(0)
  const scratch = await scratchDirectory(scope)
  const stores: (readonly [StoreName, StoredRows])[] = []
  const { stores: there, missing } = await storesIn(dataDir)
  if (missing.length > 0) {
    const names = missing.map((name) => `${name}/`).join(' and ')
    throw backupError(
      'BackupRefused',
      `${dataDir} is not complete: ${names} is missing. What is there is not worth a backup`,
    )
  }
  for (const name of there) {
    await copyLevelStore(join(dataDir, name), join(scratch, name))
    const mark = logMark(instanceKey.derive('records'), name)
    const store = await openLevelStore(join(scratch, name), { mark, onFailure: () => {} })
    scope.defer(() => store.close())
    stores.push([name, scope.use(store.storedRows())])
  }
  return sessionOf({
    ...{ dataDir, instanceKey, stores, takenAtMs: Date.now(), after },
    storageClasses: config['storage-classes'],
    key: { ...key, sign: key.signBackup },
    resources: scope.move(),
  })
}
