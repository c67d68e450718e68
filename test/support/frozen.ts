import { join } from 'node:path'
import { mainAccount, writeBootstrapFile } from './bootstrap.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

/** One directory for each release: what it wrote, and what it said of that. */
export const FROZEN = join(import.meta.dirname, '../fixtures/data-directories')

/** Names in the directory of a release. */
export const FROZEN_FILES = {
  /** A data directory that a server of the release filled and closed. */
  store: 'store',
  /** Hex: files in a checkout are readable by others. */
  instanceKey: 'instance-key.hex',
  /** What clients learnt of it (portrait.ts). */
  portrait: 'portrait.json',
  /** A repository with a backup of it. */
  backup: 'backup',
} as const

const CENTURY_MS = '3155760000000'

/** A server for which deleted keys stay as they are, however old a frozen directory is. */
export const startAgeless = async (dataDir: string, keyFile: string, directory: string): Promise<ServerProcess> =>
  startServerProcess({
    dataDir,
    bootstrapFile: await writeBootstrapFile(join(directory, 'bootstrap.json'), [mainAccount]),
    settings: {
      COFFER_INSTANCE_KEY_FILE: keyFile,
      COFFER_LOG_LEVEL: 'warn',
      COFFER_KMS_ENABLE_DELAY_MS: '0',
      COFFER_KMS_ROTATE_INTERVAL_MS: '0',
      COFFER_KMS_RESTORE_WINDOW_MS: CENTURY_MS,
      COFFER_KMS_PURGE_AFTER_MS: CENTURY_MS,
    },
  })
