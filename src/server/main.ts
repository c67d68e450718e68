#!/usr/bin/env node
import { hasCode } from '../base/errors.ts'
import { createLogger } from '../observe/logger.ts'
import { type House, openHouse } from './compose.ts'
import { processEnvironment, readConfig } from './config.ts'
import { helpText } from './help.ts'
import { welcome } from './welcome.ts'

const DRAIN_MS = 25_000
/** The process ends by itself within 30 s of SIGTERM, whatever hangs. */
const STOP_MS = 29_000
const EXIT = { failed: 1, config: 9, storeInUse: 11, wrongKey: 12, storeFailed: 75 } as const

// Node opens the inspector on SIGUSR1 unless somebody listens; its protocol reads all memory, keys included.
process.on('SIGUSR1', () => {})

const flags = process.argv.slice(2)
if (flags[0] === 'serve') flags.shift()
if (flags.includes('--help')) console.log(helpText())
else await serve()

async function serve(): Promise<void> {
  let house: House
  try {
    const config = readConfig(flags, processEnvironment())
    const log = createLogger(config['log.level'])
    house = await openHouse({
      config,
      log,
      onStoreFailure: (err) => {
        log.fatal({ err }, 'the store had a write error and takes no more writes; restart to recover')
        // Crash-only: what was acknowledged is on disk; going on would acknowledge what is not.
        process.exit(EXIT.storeFailed)
      },
    })
    const bound = await house.listen()
    process.stdout.write(welcome(config, bound, house))
  } catch (error) {
    process.stderr.write(`✕ ${explain(error)}\n`)
    process.exit(exitCode(error))
  }
  const stop = (): void => {
    process.off('SIGTERM', stop).off('SIGINT', stop)
    setTimeout(() => process.exit(EXIT.failed), STOP_MS).unref()
    house.close(DRAIN_MS).then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`✕ ${explain(error)}\n`)
        process.exit(EXIT.failed)
      },
    )
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
}

function explain(error: unknown): string {
  if (hasCode(error)) return `${error.message}  [${error.code}]`
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error) {
    return `Port ${String(error.port)} is taken by another process. Stop it, or choose another port with COFFER_S3_LISTEN or COFFER_CONTROL_LISTEN.`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function exitCode(error: unknown): number {
  if (hasCode(error, 'ConfigInvalid', 'BootstrapInvalid', 'IdentityInvalid', 'IdentityConflict')) return EXIT.config
  if (hasCode(error, 'StoreLocked')) return EXIT.storeInUse
  if (hasCode(error) && error.code.startsWith('InstanceKey')) return EXIT.wrongKey
  return EXIT.failed
}
