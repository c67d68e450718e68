import { mkdir } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { clientCommand } from '../../src/cli/main.ts'
import { mainAccount, objectStorageCrn, writeBootstrapFile } from './bootstrap.ts'
import { type CommandResult, runCommand } from './coffer-command.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** A server, and the command line as somebody with a fresh home and the main account's credentials calls it. */
export interface CliServer extends AsyncDisposable {
  readonly server: ServerProcess
  readonly home: string
  /** Variables that the lines of a first start set. */
  readonly environment: Readonly<Record<string, string>>
  /** `coffer …` in a process of its own. */
  readonly run: (args: readonly string[], more?: Readonly<Record<string, string>>) => Promise<CommandResult>
  /** The same in this process. */
  readonly call: (
    args: readonly string[],
    more?: Readonly<Record<string, string | undefined>>,
  ) => Promise<CommandResult>
}

export async function startCliServer(settings: Readonly<Record<string, string>> = {}): Promise<CliServer> {
  const directory = await temporaryDirectory()
  const bootstrapFile = await writeBootstrapFile(directory.join('bootstrap.json'), [mainAccount])
  const server = await startServerProcess({
    dataDir: directory.join('data'),
    bootstrapFile,
    settings: {
      COFFER_KMS_ENABLE_DELAY_MS: '0',
      COFFER_KMS_RESTORE_DELAY_MS: '0',
      COFFER_KMS_ROTATE_INTERVAL_MS: '0',
      COFFER_LOG_LEVEL: 'error',
      ...settings,
    },
  })
  const home = directory.join('home')
  await mkdir(home)
  const environment = {
    HOME: home,
    XDG_CONFIG_HOME: '',
    XDG_STATE_HOME: '',
    NO_COLOR: '1',
    COFFER_CONTROL: server.controlUrl,
    AWS_ENDPOINT_URL_S3: server.s3Url,
    AWS_ACCESS_KEY_ID: mainAccount.user.accessKeyId,
    AWS_SECRET_ACCESS_KEY: mainAccount.user.secretAccessKey,
    AWS_REGION: 'us-east-1',
    IBMCLOUD_API_KEY: mainAccount.user.apiKey,
    KP_INSTANCE_ID: mainAccount.keyProtectInstance,
    COS_INSTANCE_CRN: objectStorageCrn(mainAccount),
  }
  return {
    server,
    home,
    environment,
    run: (args, more = {}) => runCommand(args, { ...environment, ...more }),
    call: ([noun = '', ...words], more = {}) => called(noun, words, { ...environment, ...more }),
    [Symbol.asyncDispose]: async () => {
      await server.kill()
      await directory[Symbol.asyncDispose]()
    },
  }
}

async function called(
  noun: string,
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<CommandResult> {
  const [out, err] = [collecting(), collecting()]
  const status = await clientCommand(noun, words, { out: out.stream, err: err.stream }, environment)
  return { status, out: out.text(), err: err.text() }
}

function collecting() {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}
