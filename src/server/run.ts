import { EXIT } from '../base/exit-status.ts'
import { writeHelp } from '../base/write-help.ts'
import { createLogger, type Logger } from '../observe/logger.ts'
import { collectStart } from './after-start.ts'
import { backupRoutes } from './backup/host-routes.ts'
import { ownOptions } from './commands/own-options.ts'
import { refused } from './commands/refused.ts'
import { withDirectory } from './commands/with-directory.ts'
import { type House, type Listening, openHouse } from './compose.ts'
import { processEnvironment, readConfig, sizeThreadPool } from './config.ts'
import { healthRoute } from './doctor/health-route.ts'
import { helpText } from './help.ts'
import { openHostSocket } from './host-socket.ts'
import { welcome, welcomeDocument } from './welcome.ts'

/** Past the drain: what the stores need to close. Then the process ends by itself, whatever hangs. */
const CLOSE_MS = 4000
/** Ctrl-C under npm arrives twice: from the terminal and from npm, which passes it on. */
const SAME_SIGNAL_MS = 1000

/** The server: `coffer [serve] [directory] [flags]`. Resolves, with the status of a process that goes on, once it serves. */
export async function run(args: readonly string[]): Promise<number> {
  sizeThreadPool()
  if (args.includes('--help') || args.includes('-h')) {
    writeHelp(`${helpText()}\n`, args, process.stdout)
    return 0
  }
  try {
    await serve(args)
  } catch (error) {
    fail(error, args)
  }
  return 0
}

async function serve(args: readonly string[]): Promise<void> {
  const { flags, rest } = ownOptions(args, [], ['json'])
  const config = readConfig(withDirectory(rest), processEnvironment())
  const log = createLogger(config['log.level'])
  const house = await openHouse({
    config,
    log,
    onStoreFailure: (err) => {
      log.fatal({ err }, 'a store or a serving thread failed: the process ends, and recovers when it is started again')
      // Crash-only: what was acknowledged is on disk; going on would acknowledge what is not.
      process.exit(EXIT.storeFailed)
    },
  })
  const listening = await house.listen()
  const socket = commandSocket(house, listening, log)
  stopOnSignal(house, socket, config['drain-ms'])
  process.on('SIGHUP', () => void house.lookAtCertificate())
  await socket
  // Who hears that it is ready may ask for a backup.
  house.serve()
  process.stdout.write(
    flags.has('json')
      ? `${JSON.stringify(welcomeDocument(config, house, listening))}\n`
      : welcome(config, house, listening),
  )
  collectStart()
}

/** For backups and the doctor. Without it everything else goes on. */
async function commandSocket(house: House, { control }: Listening, log: Logger): Promise<AsyncDisposable | undefined> {
  try {
    const routes = [...backupRoutes(house.beginBackup, log), healthRoute(house.health, control)]
    return await openHostSocket(house.dataDir, routes, log)
  } catch (err) {
    log.error({ err }, 'there is no socket for commands on this host: it can be backed up only while it is stopped')
    return undefined
  }
}

function stopOnSignal(house: House, socket: Promise<AsyncDisposable | undefined>, drainMs: number): void {
  let stoppingSince: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    const now = performance.now()
    if (stoppingSince !== undefined) {
      // Somebody at a terminal does not want to wait.
      if (signal === 'SIGINT' && now - stoppingSince > SAME_SIGNAL_MS) process.exit(EXIT.failed)
      return
    }
    stoppingSince = now
    setTimeout(() => process.exit(EXIT.failed), drainMs + CLOSE_MS).unref()
    const close = async (): Promise<void> => {
      await (await socket)?.[Symbol.asyncDispose]()
      await house.close(drainMs)
    }
    close().then(
      () => process.exit(0),
      (error: unknown) => fail(error, []),
    )
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
}

function fail(error: unknown, args: readonly string[]): never {
  process.exit(refused(error, { args, streams: { out: process.stdout, err: process.stderr } }))
}
