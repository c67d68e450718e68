import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { keysOf, s3ClientFor } from '../../support/s3.ts'
import { same } from '../check.ts'
import type { Client, Connection, Target } from '../client.ts'
import { runText } from '../command.ts'
import { installDebian } from '../install.ts'
import { databaseUser, type Postgres, startPostgres } from '../postgres.ts'
import { startTlsFront, type TlsFront } from '../tls-front.ts'

/** Backups of a running PostgreSQL with its write-ahead log, in a bucket under a root key of the customer's. */
export const pgBackRest: Client = {
  name: 'pgBackRest',
  install: async () => {
    await installDebian('pg_ctlcluster', 'postgresql')
    await installDebian('pgbackrest')
  },
  version: async () => `${await runText('pgbackrest', ['version'])}, ${await runText('psql', ['--version'])}`,
  connect,
}

async function connect(target: Target): Promise<Connection> {
  const client = s3ClientFor(target)
  const user = await databaseUser()
  // The database's user may not look into the directory of the run.
  const home = await mkdtemp(path.join(tmpdir(), 'coffer-pgbackrest-'))
  const under = (name: string): string => path.join(home, name)
  const bucket = await target.customerManagedBucket()
  const front = await startTlsFront(target.s3Url)
  const running = new Set<Postgres>()
  const pgbackrest = (...args: string[]): Promise<string> =>
    runText('pgbackrest', [`--config=${under('pgbackrest.conf')}`, '--stanza=main', ...args], {
      ...{ user, cwd: home, env: { HOME: home } },
    })
  const start = async (name: string, restored: boolean, lines: readonly string[]): Promise<Postgres> => {
    const postgres = await startPostgres({ directory: under(name), restored, configuration: lines })
    running.add(postgres)
    return postgres
  }
  const stop = async (postgres: Postgres): Promise<void> => {
    running.delete(postgres)
    await postgres.stop()
  }
  const configure = async (postgres: Postgres | undefined): Promise<void> => {
    const text = configurationFor({ target, bucket, home, front, port: postgres?.port ?? 5432 })
    await writeFile(under('pgbackrest.conf'), text)
  }
  const [fingerprint, archived] = [
    `select count(*), sum(hashtext(line::text)::bigint) from line`,
    `select archived_count > 0 and failed_count = 0 from pg_stat_archiver`,
  ]
  let primary: Postgres
  let [whole, before, beforeAt] = ['', '', '']
  const labels = async (): Promise<readonly { type: string; label: string }[]> => {
    const [stanza]: { backup: { type: string; label: string }[] }[] = JSON.parse(
      await pgbackrest('info', '--output=json'),
    )
    return stanza?.backup ?? []
  }
  /** What a restored cluster holds. */
  const restored = async (name: string, ...flags: string[]): Promise<string> => {
    await mkdir(under(name), { recursive: true })
    await chown(under(name), user.uid, user.gid)
    await pgbackrest(`--pg1-path=${under(name)}/data`, ...flags, 'restore')
    const postgres = await start(name, true, ['archive_mode = off'])
    for (let tries = 0; (await postgres.query('select pg_is_in_recovery()')) !== 'f'; tries++) {
      if (tries > 100) throw new Error('recovery does not end')
      await sleep(100)
    }
    const found = await postgres.query(fingerprint)
    await stop(postgres)
    return found
  }

  return {
    steps: [
      {
        name: 'stanza',
        run: async () => {
          await chmod(home, 0o755)
          await chown(home, user.uid, user.gid)
          await writeFile(under('ca.pem'), front.ca)
          const push = `pgbackrest --config=${under('pgbackrest.conf')} --stanza=main archive-push %p`
          primary = await start('primary', false, [
            'archive_mode = on',
            'wal_level = replica',
            `archive_command = '${push}'`,
          ])
          await configure(primary)
          await pgbackrest('stanza-create')
          await pgbackrest('check')
        },
      },
      {
        name: 'full',
        run: async () => {
          await primary.query(
            `create table line as select n, md5(n::text) || repeat('x', 50) as text from generate_series(1, 200000) n`,
          )
          await pgbackrest('--type=full', 'backup')
        },
      },
      {
        name: 'incremental',
        run: async () => {
          await primary.query(`insert into line select n, 'second' from generate_series(200001, 220000) n`)
          await pgbackrest('--type=incr', 'backup')
        },
      },
      {
        name: 'differential',
        run: async () => {
          await primary.query(`update line set text = 'changed' where n % 100 = 0`)
          await pgbackrest('--type=diff', 'backup')
          same(
            'backups',
            (await labels()).map(({ type }) => type),
            ['full', 'incr', 'diff'],
          )
          same('archived', await primary.query(archived), 't')
        },
      },
      {
        name: 'verify',
        run: async () => {
          const said = await pgbackrest('--output=text', '--verbose', 'verify')
          const [, checked, valid] = /total WAL checked: (\d+), total valid WAL: (\d+)/.exec(said) ?? []
          same(said, [checked, said.match(/status: valid/g)?.length], [valid, 3])
        },
      },
      {
        name: 'restore',
        run: async () => {
          // What came after the last backup is in the log alone.
          before = await primary.query(fingerprint)
          await primary.query('checkpoint; select pg_switch_wal()')
          await sleep(1000)
          beforeAt = await primary.query('select now()')
          await sleep(1000)
          await primary.query(`delete from line where n % 7 = 0`)
          whole = await primary.query(fingerprint)
          await primary.query('select pg_switch_wal()')
          await pgbackrest('check')
          same('rows', await restored('restored'), whole)
        },
      },
      {
        name: 'point in time',
        run: async () => {
          same('different', before === whole, false)
          const flags = ['--type=time', `--target=${beforeAt}`, '--target-action=promote']
          same('rows', await restored('earlier', ...flags), before)
        },
      },
      {
        name: 'expire',
        run: async () => {
          const old = await labels()
          await pgbackrest('--type=full', 'backup')
          same(
            'backups',
            (await labels()).map(({ type }) => type),
            ['full'],
          )
          const keys = await keysOf(client, bucket)
          same(
            'left',
            old.filter(({ label }) => keys.some((key) => key.includes(`/${label}/`))),
            [],
          )
          same('rows', await restored('newest'), whole)
        },
      },
      {
        name: 'stanza-delete',
        run: async () => {
          await stop(primary)
          await pgbackrest('stop')
          await pgbackrest('stanza-delete')
          same('left', await keysOf(client, bucket), [])
        },
      },
    ],
    close: async () => {
      for (const postgres of running) await postgres.stop()
      await front[Symbol.asyncDispose]()
      await rm(home, { recursive: true })
    },
  }
}

interface Place {
  readonly target: Target
  readonly bucket: string
  readonly home: string
  readonly front: TlsFront
  readonly port: number
}

const configurationFor = ({ target, bucket, home, front, port }: Place): string => `
[global]
repo1-type=s3
repo1-path=/pgbackrest
repo1-s3-bucket=${bucket}
repo1-s3-endpoint=localhost
repo1-s3-region=${target.region}
repo1-s3-key=${target.accessKeyId}
repo1-s3-key-secret=${target.secretAccessKey}
repo1-s3-uri-style=path
repo1-storage-port=${front.port}
repo1-storage-ca-file=${home}/ca.pem
repo1-retention-full=1
repo1-bundle=y
process-max=2
io-timeout=20
start-fast=y
log-path=${home}
lock-path=${home}/lock
spool-path=${home}
log-level-console=warn
log-level-file=off
[main]
pg1-path=${home}/primary/data
pg1-socket-path=${home}/primary/sockets
pg1-port=${port}
pg1-user=postgres
`
