import { chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { freePort } from '../support/free-port.ts'
import { run, runText } from './command.ts'

export interface PostgresSettings {
  readonly directory: string
  /** Lines of postgresql.conf. */
  readonly configuration?: readonly string[]
  /** The data directory is there already: not made. */
  readonly restored?: boolean
}

/** A database cluster of its own, reached by a socket in its directory. */
export interface Postgres {
  readonly port: number
  readonly query: (sql: string) => Promise<string>
  readonly stop: () => Promise<void>
}

/** PostgreSQL refuses to run as root: its own user then, else whoever runs this. */
export async function databaseUser(): Promise<{ uid: number; gid: number }> {
  if (process.getuid?.() !== 0) return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const [uid, gid] = [await runText('id', ['-u', 'postgres']), await runText('id', ['-g', 'postgres'])]
  return { uid: Number(uid), gid: Number(gid) }
}

export async function startPostgres({ directory, configuration = [], restored }: PostgresSettings): Promise<Postgres> {
  const user = await databaseUser()
  const port = await freePort()
  const program = await programs()
  const as = (tool: string, ...args: string[]): Promise<string> =>
    runText(path.join(program, tool), args, { user, cwd: directory, env: { HOME: directory } })
  const [data, sockets] = [path.join(directory, 'data'), path.join(directory, 'sockets')]
  await mkdir(sockets, { recursive: true })
  for (const one of [directory, sockets]) await chown(one, user.uid, user.gid)
  if (!restored) await as('initdb', '--username=postgres', '--auth=trust', '--no-sync', `--pgdata=${data}`)
  const lines = [`port = ${port}`, `listen_addresses = ''`, `unix_socket_directories = '${sockets}'`, ...configuration]
  await writeFile(path.join(data, 'postgresql.conf'), `${lines.join('\n')}\n`)
  const ctl = (...args: string[]): Promise<Buffer> =>
    run(path.join(program, 'pg_ctl'), [`--pgdata=${data}`, '--wait', `--log=${directory}/log`, ...args], {
      ...{ user, cwd: directory, env: { HOME: directory } },
    })
  await ctl('start')
  return {
    port,
    query: (sql) =>
      as(
        'psql',
        '--no-psqlrc',
        '--tuples-only',
        '--no-align',
        '--quiet',
        `--host=${sockets}`,
        `--port=${port}`,
        '--username=postgres',
        '--set=ON_ERROR_STOP=1',
        `--command=${sql}`,
      ),
    stop: async () => void (await ctl('stop', '--mode=fast')),
  }
}

/** Debian keeps the server's programs off the PATH. */
async function programs(): Promise<string> {
  const root = '/usr/lib/postgresql'
  const [newest] = (await readdir(root)).sort((left, right) => Number(right) - Number(left))
  return path.join(root, newest ?? '', 'bin')
}
