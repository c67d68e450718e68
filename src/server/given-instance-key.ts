import { join } from 'node:path'
import { type InstanceKey, openInstanceKey } from '../envelope/instance-key.ts'
import type { Config } from './settings.ts'

export const sealFileOf = (dataDir: string): string => join(dataDir, 'instance-key.json')

export type InstanceKeyConfig = Pick<Config, 'instance-key-file' | 'instance-passphrase'>

/**
 * The instance key of a store that there is, as the settings give it; for commands. `sealFile`: of another place than the
 * data directory. Throws an InstanceKeyErrorCode. Precondition: there is a seal file, for otherwise one is made.
 */
export function givenInstanceKey(
  config: InstanceKeyConfig,
  dataDir: string,
  sealFile = sealFileOf(dataDir),
): Promise<InstanceKey> {
  const passphrase = config['instance-passphrase']?.reveal()
  return openInstanceKey({
    sealFile,
    ...(passphrase === undefined ? { keyFile: keyFileOf(config, dataDir) } : { passphrase }),
  })
}

export const keyFileOf = (config: InstanceKeyConfig, dataDir: string): string =>
  config['instance-key-file'] ?? `${dataDir}.key`
