import { appendFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import { type PublicKeys, readPublicKeys } from '../../src/audit/keys.ts'
import { verifyLog } from '../../src/audit/verify.ts'
import { endOf, eventsIn, logFiles } from '../support/audit-log.ts'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { createRootKey } from '../support/control-api.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const ROUNDS = 6

/** Uses keys and makes keys until the server is gone; resolves to the ids of the keys that were acknowledged. */
async function work(server: ServerProcess, round: number): Promise<string[]> {
  const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  const made: string[] = []
  const untilGone = async (act: (turn: number) => Promise<unknown>): Promise<void> => {
    for (let turn = 0; server.running(); turn++) await act(turn).catch(() => sleep(1))
  }
  await Promise.all([
    untilGone(async (turn) => {
      const Key = `round ${round}/${turn}`
      await client.send(new PutObjectCommand({ Bucket: 'audited', Key, Body: 'body' }))
      await (await client.send(new GetObjectCommand({ Bucket: 'audited', Key }))).Body?.transformToByteArray()
    }),
    untilGone(async (turn) => made.push((await createRootKey(server.controlUrl, `key ${round} ${turn}`)).id)),
    sleep(150 + round * 130).then(() => server.kill()),
  ])
  client.destroy()
  return made
}

it('goes on after every kill -9, whatever its last write left, and has every change that was acknowledged', async () => {
  await using home = await temporaryDirectory()
  const dataDir = home.join('data')
  const directory = path.join(dataDir, 'audit')
  const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
  const settings = { COFFER_AUDIT_FILE_BYTES: '65536', COFFER_LOG_LEVEL: 'silent' }
  const start = () => startServerProcess({ dataDir, bootstrapFile, settings })
  let keys: PublicKeys = new Map()
  const verify = () => verifyLog({ source: { type: 'directory', path: directory }, keys })
  const made: string[] = []
  let torn = 0

  for (let round = 0; round < ROUNDS; round++) {
    await using server = await start()
    keys = readPublicKeys(await (await fetch(`${server.controlUrl}/audit/public-key`)).text())
    if (round === 0) await makeBucket(s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user }), 'audited')
    made.push(...(await work(server, round)))

    const crashed = await verify()
    expect(crashed).toMatchObject({ first: undefined })
    const events = await eventsIn(directory)
    const created = events.filter(({ action, outcome }) => action === 'kms.secrets.create' && outcome === 'success')
    const recorded = new Set(created.map(({ key }) => String(key).split(':').at(-1)))
    expect(made.filter((id) => !recorded.has(id))).toEqual([])
    // An acknowledged change is not only there but signed.
    const last = created.findLast(({ key }) => made.some((id) => String(key).endsWith(id)))
    expect(crashed.signed?.seq).toBeGreaterThan(Number(last?.['seq'] ?? 0))
    // The process seldom dies in the middle of a write, so half of one is put there.
    if (round % 2 === 0) {
      const { path: file, text } = await endOf(directory)
      await appendFile(file, text.slice(0, 100 + round * 37).replaceAll('\n', ' '))
      torn++
    }
  }
  const server = await start()
  await server.stop()
  const report = await verify()
  expect(report).toMatchObject({ outcome: 'verified', fromSeq: 1, lostEvents: 0 })
  expect(report.torn.length).toBeGreaterThanOrEqual(torn)
  expect(made.length).toBeGreaterThan(ROUNDS)
  // Over all of this the log is one chain, and no line of it can be taken away.
  const [first] = await logFiles(directory)
  const lines = first?.text.split('\n') ?? []
  const taken = lines.length >> 1
  await writeFile(first?.path ?? '', lines.toSpliced(taken, 1).join('\n'))
  expect(await verify()).toMatchObject({ outcome: 'bad', first: { file: first?.path, line: taken + 1 } })
}, 120_000)
