import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { Clock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { type House, openHouse } from '../../src/server/compose.ts'
import { readConfig } from '../../src/server/config.ts'
import { bootstrapOf, mainAccount, type TestAccount } from './bootstrap.ts'
import { startKeysHalf } from './keys-half.ts'
import { topology } from './topology.ts'

export interface TestHouseOptions {
  readonly accounts?: readonly TestAccount[]
  /** Environment settings, e.g. { COFFER_S3_DOMAIN: 's3.local' }. */
  readonly settings?: Readonly<Record<string, string>>
  readonly clock?: Clock
  /** Opens this directory again instead of a new one. It is then left for the caller to remove. */
  readonly directory?: string
}

type ObjectsHalf = Pick<NonNullable<House['store']>, 'objects' | 'blobs'> & { readonly swept: Promise<void> }

/** A whole server in this process, on free ports and a temporary directory: what behaviour tests drive over HTTP. */
export interface TestHouse extends AsyncDisposable {
  readonly s3Url: string
  /** Of the process that has the keys. */
  readonly controlUrl: string
  /** Of the process that has the objects, and identities of its own where the two are apart. */
  readonly objectsControlUrl: string
  /** Resolves when what was changed at the keys counts for the objects: at once, unless they are apart. */
  readonly settled: () => Promise<void>
  /** Holds the data directory `data`, the instance key beside it and the bootstrap file. */
  readonly directory: string
  readonly dataDir: string
  readonly house: House & ObjectsHalf
  /** An unmodified AWS client of an account's user. */
  readonly client: (account?: TestAccount, config?: S3ClientConfig) => S3Client
  /** Stops the server and leaves the directory. */
  readonly stop: () => Promise<void>
}

export async function startHouse(options: TestHouseOptions = {}): Promise<TestHouse> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'coffer-test-')))
  const dataDir = join(directory, 'data')
  const bootstrap = join(directory, 'bootstrap.json')
  await writeFile(bootstrap, JSON.stringify(bootstrapOf(options.accounts ?? [mainAccount])))
  const keys = topology.split
    ? await startKeysHalf({ directory, accounts: options.accounts ?? [mainAccount] })
    : undefined
  const config = readConfig([], {
    COFFER_DATA_DIR: dataDir,
    COFFER_S3_LISTEN: '127.0.0.1:0',
    COFFER_CONTROL_LISTEN: '127.0.0.1:0',
    COFFER_BOOTSTRAP_FILE: bootstrap,
    COFFER_LOG_LEVEL: 'silent',
    COFFER_KMS_ENABLE_DELAY_MS: '0',
    COFFER_KMS_RESTORE_DELAY_MS: '0',
    COFFER_KMS_ROTATE_INTERVAL_MS: '0',
    ...threaded(options),
    ...keys?.settings,
    ...options.settings,
  })
  const whole = await openHouse({
    config,
    log: createLogger(config['log.level']),
    ...(options.clock ? { clock: options.clock } : {}),
    onStoreFailure: (error) => {
      throw error
    },
  })
  const bound = await whole.listen()
  whole.serve()
  const { store } = whole
  if (!store || !bound.s3) throw new Error('the house has no objects half')
  const house = { ...whole, ...store, swept: store.objects.swept }
  const s3Url = `http://${bound.s3.host}:${bound.s3.port}`
  const objectsControlUrl = `http://${bound.control.host}:${bound.control.port}`
  const clients: S3Client[] = []
  const stop = async (): Promise<void> => {
    for (const client of clients) client.destroy()
    await house.close(2000)
    await keys?.[Symbol.asyncDispose]()
  }
  return {
    s3Url,
    controlUrl: keys?.server.controlUrl ?? objectsControlUrl,
    objectsControlUrl,
    settled: async () => {
      // What the objects half asks of the keys half is at most two seconds old.
      if (keys) await sleep(2100)
    },
    directory,
    dataDir,
    house,
    client: (account = mainAccount, config = {}) => {
      const client = new S3Client({
        endpoint: s3Url,
        region: 'us-east-1',
        forcePathStyle: true,
        maxAttempts: 1,
        credentials: { accessKeyId: account.user.accessKeyId, secretAccessKey: account.user.secretAccessKey },
        ...config,
      })
      clients.push(client)
      return client
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop()
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true })
    },
  }
}

/** `COFFER_TEST_THREADS=3` has every house serve with as many, but for those of a clock of their own, which threads cannot share. Else it is one. */
const threaded = ({ clock }: TestHouseOptions): Readonly<Record<string, string>> => {
  const threads = process.env['COFFER_TEST_THREADS']
  return { COFFER_S3_THREADS: threads === undefined || clock ? '1' : threads }
}
