import { chmod, copyFile, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { judged } from '../../src/server/doctor/syncing.ts'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { testCertificates } from '../support/certificate.ts'
import { runCommand } from '../support/coffer-command.ts'
import { freePort } from '../support/free-port.ts'
import { startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

interface Finding {
  readonly check: string
  readonly verdict: string
  readonly message: string
  readonly mend?: string
}

async function doctor(settings: Readonly<Record<string, string>>) {
  const ports = {
    COFFER_S3_LISTEN: `127.0.0.1:${await freePort()}`,
    COFFER_CONTROL_LISTEN: `127.0.0.1:${await freePort()}`,
  }
  const { status, out } = await runCommand(['doctor', '--json'], { ...ports, ...settings })
  const found: Finding[] = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const of = (verdict: string) => found.filter((one) => one.verdict === verdict)
  return { status, problems: of('problem'), warnings: of('warning'), found }
}

async function stopped(home: TemporaryDirectory) {
  const server = await startServerProcess({
    dataDir: home.join('data'),
    bootstrapFile: await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount]),
    settings: { COFFER_INSTANCE_KEY_FILE: home.join('instance.key') },
  })
  return {
    server,
    settings: { COFFER_DATA_DIR: home.join('data'), COFFER_INSTANCE_KEY_FILE: home.join('instance.key') },
  }
}

describe('coffer doctor', () => {
  it('tries the URLs that clients are told, the names of buckets as subdomains, and the syncs of the disk', async () => {
    await using home = await temporaryDirectory()
    const { server, settings } = await stopped(home)
    const at = (urls: Readonly<Record<string, string>>) =>
      doctor({ ...settings, COFFER_CONTROL_LISTEN: `127.0.0.1:${server.controlPort}`, ...urls })
    const well = await at({
      ...{ COFFER_S3_PUBLIC_URL: server.s3Url, COFFER_CONTROL_PUBLIC_URL: server.controlUrl },
      COFFER_S3_DOMAIN: 'nowhere.invalid',
    })
    expect(well.problems).toEqual([])
    expect(well.found.filter(({ check }) => check === 'public URL')).toMatchObject([
      { verdict: 'ok', message: `${server.s3Url} reaches the S3 listener` },
      { verdict: 'ok', message: `${server.controlUrl} reaches the control listener` },
    ])
    expect(well.found).toContainEqual(
      expect.objectContaining({ verdict: 'ok', message: expect.stringMatching(/: fsync of 4 KiB takes [\d.]+ ms$/) }),
    )
    expect(well.warnings).toContainEqual(
      expect.objectContaining({ check: 'host names', mend: expect.stringContaining('*.nowhere.invalid') }),
    )
    expect(await readdir(home.join('data'))).not.toContainEqual(expect.stringContaining('doctor'))
    const wrong = await at({
      COFFER_S3_PUBLIC_URL: server.controlUrl,
      COFFER_CONTROL_PUBLIC_URL: `http://127.0.0.1:${await freePort()}`,
    })
    expect(wrong.problems).toMatchObject([{ check: 'public URL', message: expect.stringContaining(server.controlUrl) }])
    expect(wrong.warnings).toContainEqual(
      expect.objectContaining({ check: 'public URL', message: expect.stringContaining('ECONNREFUSED') }),
    )
    await server.stop()
    // Nobody is asked for a server that does not run.
    const { found } = await doctor({ ...settings, COFFER_S3_PUBLIC_URL: server.s3Url })
    expect(found.filter(({ check }) => check === 'public URL')).toEqual([])
  })

  it('finds a server that runs with other addresses by its data directory, and leaves alone what it writes', async () => {
    await using home = await temporaryDirectory()
    const { server, settings } = await stopped(home)
    const draft = home.join('data/kms.witness.new')
    const leave = async () => {
      await copyFile(home.join('data/kms.witness'), draft)
      const long = new Date(Date.now() - 86_400_000)
      await utimes(draft, long, long)
    }
    await leave()
    const ofDraft = expect.objectContaining({ check: 'files', message: expect.stringContaining(draft) })
    const mends = expect.objectContaining({ fix: `rm ${draft}` })
    const elsewhere = await doctor(settings)
    expect(elsewhere.found.filter(({ check }) => check === 'server')).toMatchObject([
      {
        verdict: 'warning',
        message: expect.stringContaining(`listener is at 127.0.0.1:${server.controlPort}, theirs`),
      },
      { verdict: 'ok', message: 'it runs, and is well' },
    ])
    expect(elsewhere.found).toContainEqual(ofDraft)
    expect(elsewhere.found).not.toContainEqual(mends)
    await server.stop()
    await leave()
    const { found } = await doctor(settings)
    expect(found.filter(({ check }) => check === 'server')).toMatchObject([
      { verdict: 'ok', message: expect.stringContaining('it does not run now') },
    ])
    expect(found).toContainEqual(mends)
  })

  it('says of a disk that is slow what waits for it', () => {
    expect(judged('/data', 1.234)).toMatchObject({ verdict: 'ok', message: '/data: fsync of 4 KiB takes 1.23 ms' })
    expect(judged('/data', 80.4)).toMatchObject({
      verdict: 'warning',
      message: '/data: fsync of 4 KiB takes 80 ms, and everything that is stored waits for one',
    })
  })

  it('finds nothing wrong before the first start, and makes nothing', async () => {
    await using home = await temporaryDirectory()
    const { status, problems, found } = await doctor({ COFFER_DATA_DIR: home.join('data') })
    expect({ status, problems }).toEqual({ status: 0, problems: [] })
    expect(found.map(({ message }) => message)).toContainEqual(expect.stringContaining('the first start makes it'))
    expect((await runCommand(['verify'], { COFFER_DATA_DIR: home.join('data') })).err).toContain('NoStore')
  })

  it('says of a running server that it is well, and of a stopped one what is wrong with it', async () => {
    await using home = await temporaryDirectory()
    const { server, settings } = await stopped(home)
    const well = await doctor({ ...settings, COFFER_CONTROL_LISTEN: `127.0.0.1:${server.controlPort}` })
    expect(well.problems).toEqual([])
    expect(well.found).toContainEqual(expect.objectContaining({ check: 'server', message: 'it runs, and is well' }))
    // A test's disk is one.
    expect(well.warnings).toContainEqual(expect.objectContaining({ check: 'instance key' }))
    await server.stop()

    await chmod(home.join('data'), 0o755)
    const open = await doctor(settings)
    expect(open).toMatchObject({ status: 3 })
    expect(open.warnings).toContainEqual(
      expect.objectContaining({ check: 'data directory', mend: expect.stringContaining('chmod 0700') }),
    )

    await writeFile(home.join('other.key'), '0'.repeat(64), { mode: 0o600 })
    const wrong = await doctor({ ...settings, COFFER_INSTANCE_KEY_FILE: home.join('other.key') })
    expect(wrong).toMatchObject({ status: 1, problems: [{ check: 'instance key' }] })
    const none = await doctor({ ...settings, COFFER_INSTANCE_KEY_FILE: home.join('absent.key') })
    expect(none).toMatchObject({ status: 1, problems: [{ message: expect.stringContaining('is missing') }] })
    await copyFile(home.join('instance.key'), home.join('data/instance.key'))
    const inside = await doctor({ ...settings, COFFER_INSTANCE_KEY_FILE: home.join('data/instance.key') })
    expect(inside).toMatchObject({
      status: 1,
      problems: [{ message: expect.stringContaining('inside the data directory') }],
    })

    const full = await doctor({ ...settings, COFFER_DISK_RESERVE_BYTES: String(2 ** 52) })
    expect(full).toMatchObject({ status: 1, problems: [{ message: expect.stringContaining('writes are refused') }] })
  })

  it('says what is wrong with settings, certificates, listeners and limits, and how to mend it', async () => {
    await using home = await temporaryDirectory()
    const { cert, key } = testCertificates()
    const put = async (name: string, text: string) => {
      await writeFile(home.join(name), text, { mode: 0o600 })
      return home.join(name)
    }
    const data = { COFFER_DATA_DIR: home.join('data') }
    const tls = {
      COFFER_TLS_CERTIFICATE_FILE: await put('cert.pem', cert),
      COFFER_TLS_KEY_FILE: await put('key.pem', key),
    }
    const soon = await doctor({ ...data, ...tls })
    expect(soon.warnings).toContainEqual(
      expect.objectContaining({ check: 'certificate', message: expect.stringContaining('it ends on') }),
    )
    await put('key.pem', testCertificates().key)
    expect(await doctor({ ...data, ...tls })).toMatchObject({ status: 1, problems: [{ check: 'certificate' }] })

    const plain = await doctor({ ...data, COFFER_S3_LISTEN: `0.0.0.0:${await freePort()}` })
    expect(plain.warnings).toContainEqual(expect.objectContaining({ message: expect.stringContaining('without TLS') }))
    const many = await doctor({ ...data, COFFER_S3_MAX_CONNECTIONS: '100000' })
    expect(many.warnings).toContainEqual(
      expect.objectContaining({ check: 'machine', mend: expect.stringContaining('ulimit -n') }),
    )
    expect(await doctor({ COFFER_DATA_DIR: '/dev/shm' })).toMatchObject({
      status: 1,
      problems: [expect.objectContaining({ message: expect.stringContaining('in memory') })],
    })
    const unknown = await doctor({ ...data, COFFER_NO_SUCH: '1' })
    expect(unknown).toMatchObject({ status: 1, problems: [{ check: 'settings' }] })
  })

  it('with --fix mends what loses nothing, names each, and leaves the rest', async () => {
    await using home = await temporaryDirectory()
    const { server, settings } = await stopped(home)
    await server.stop()
    await chmod(home.join('data'), 0o755)
    await chmod(home.join('instance.key'), 0o644)
    const long = new Date(Date.now() - 3_600_000)
    for (const name of ['kms.witness.new', 'only.new', 'iam.witness.new'])
      await writeFile(home.join('data', name), 'x', { mode: 0o600 })
    for (const name of ['kms.witness.new', 'only.new']) await utimes(home.join('data', name), long, long)
    const run = async (...args: readonly string[]) => {
      const ports = { COFFER_CONTROL_LISTEN: `127.0.0.1:${await freePort()}` }
      const { status, out } = await runCommand(['doctor', '--json', ...args], { ...settings, ...ports })
      const lines = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      return {
        status,
        fixes: lines.filter(({ type }) => type === 'fix').map(({ command, outcome }) => `${outcome}: ${command}`),
      }
    }
    const [data, key] = [home.join('data'), home.join('instance.key')]
    const commands = [`chmod 0700 ${data}`, `rm ${data}/kms.witness.new`, `chmod 0600 ${key}`]
    expect(await run('--fix', '--dry-run')).toEqual({ status: 1, fixes: commands.map((one) => `would mend: ${one}`) })
    expect((await stat(data)).mode & 0o777).toBe(0o755)
    expect(await run('--fix')).toMatchObject({ status: 3, fixes: commands.map((one) => `mended: ${one}`) })
    expect([(await stat(data)).mode & 0o777, (await stat(key)).mode & 0o777]).toEqual([0o700, 0o600])
    // A draft without its file may be all there is; one of a moment ago may be being written.
    const left = await readdir(data)
    expect(left.filter((name) => name.endsWith('.new')).sort()).toEqual(['iam.witness.new', 'only.new'])
    expect(await run('--fix')).toMatchObject({ fixes: [] })
    expect((await runCommand(['doctor', '--dry-run'])).status).toBe(2)
  })

  it('prints what it finds for people, and is told apart from what it cannot do', async () => {
    await using home = await temporaryDirectory()
    const { status, out } = await runCommand(['doctor'], { COFFER_DATA_DIR: home.join('data'), COFFER_NO_SUCH: '1' })
    expect({ status, out }).toMatchObject({
      status: 1,
      out: expect.stringMatching(/^✕ settings: .*\n {4}→ coffer serve --help/),
    })
    expect((await runCommand(['doctor', '--json=1'])).status).toBe(2)
    expect((await runCommand(['doctor', '--help'])).out).toContain('Exit status')
  })
})
