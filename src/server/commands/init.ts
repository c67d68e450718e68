import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CodedError } from '../../base/errors.ts'
import { EXIT } from '../../base/exit-status.ts'
import { writeHelp } from '../../base/write-help.ts'
import { createLogger } from '../../observe/logger.ts'
import { openHouse } from '../compose.ts'
import { processEnvironment, readConfig } from '../config.ts'
import { sealFileOf } from '../given-instance-key.ts'
import { welcome, welcomeDocument } from '../welcome.ts'
import { type Streams, usageError } from './command.ts'
import { ownOptions } from './own-options.ts'
import { refused } from './refused.ts'
import { withDirectory } from './with-directory.ts'

const HELP = `coffer init: makes a store, its instance key and its first administrator, prints the credentials once, and serves nothing.

Usage: coffer init [directory] [--json] [settings]

Takes the settings of the server; the directory is the same as --data-dir. Where there is a store nothing is done.

  --json  the credentials, the addresses that \`coffer serve\` will have and the file of the instance key as one JSON document

Examples:
  coffer init ./store
  coffer init ./store --json > credentials.json
  coffer init --data-dir /var/lib/coffer --instance-key-file /etc/coffer/instance.key

Exit status: 0 made; 2 called wrongly; 8 there is a store; 9 the settings are wrong; 11 another process has the directory; 1 else.
`

const NOWHERE = { host: '127.0.0.1', port: 0 } as const

/** `coffer init`; resolves to the exit status. */
export async function initCommand(args: readonly string[], streams: Streams): Promise<number> {
  if (args.includes('--help')) {
    writeHelp(HELP, args, streams.out)
    return EXIT.done
  }
  try {
    return await init(args, streams)
  } catch (error) {
    return refused(error, { args, streams })
  }
}

async function init(args: readonly string[], streams: Streams): Promise<number> {
  const { flags, rest } = ownOptions(args, [], ['json'])
  const config = readConfig(withDirectory(rest), processEnvironment())
  if (config.only === 's3') throw usageError('the half that has no keys has no administrator of its own to make')
  const isThere = await stat(sealFileOf(resolve(config['data-dir']))).then(
    () => true,
    () => false,
  )
  if (isThere) {
    const error = new CodedError('StoreExists', `There is a store in ${config['data-dir']}: nothing was done`)
    return refused(error, { args, streams, hint: 'coffer serve starts it.' })
  }
  // Whatever listens on the addresses that are set does not matter: nothing is served here.
  const quiet = { ...config, 's3.listen': NOWHERE, 'control.listen': NOWHERE, 's3.threads': 1 }
  const house = await openHouse({ config: quiet, log: createLogger('silent'), onStoreFailure: () => process.exit(1) })
  const { firstStart } = await house.listen()
  await house.close(0)
  const later = { s3: config['s3.listen'], control: config['control.listen'], firstStart }
  const said = flags.has('json')
    ? `${JSON.stringify(welcomeDocument(config, house, later))}\n`
    : welcome(config, house, later).replace(/^Coffer serves (.*), from /, 'Coffer will serve $1, from ')
  streams.out.write(said)
  return EXIT.done
}
