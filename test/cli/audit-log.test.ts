import { expect, it } from 'vitest'
import { EXIT } from '../../src/base/exit-status.ts'
import { newestEntries } from '../../src/cli/audit-log.ts'
import { startCliServer } from '../support/cli-server.ts'

/** As the server answers where little fits: of so many lines each, mostly with nothing in it. */
const pages = [
  { entries: [], latest: 90, next: 60 },
  { entries: [{ seq: 59 }], latest: 91, next: 30 },
  { entries: [{ seq: 12 }, { seq: 11 }], latest: 91 },
]

it('looks on where the server says that it may find more, until there is enough', async () => {
  const asked: unknown[] = []
  const control = async (_method: string, _path: string, call?: { readonly query?: object }): Promise<unknown> => {
    asked.push(call?.query)
    return pages[asked.length - 1]
  }
  expect(await newestEntries({ control }, { did: 'store.backup' }, 1)).toEqual({ entries: [{ seq: 59 }], latest: 90 })
  expect(asked).toEqual([
    { did: 'store.backup', before: undefined, limit: 1 },
    { did: 'store.backup', before: 60, limit: 1 },
  ])
  asked.length = 0
  expect((await newestEntries({ control }, {}, 50)).entries).toEqual([{ seq: 59 }, { seq: 12 }, { seq: 11 }])
  expect(asked.at(-1)).toEqual({ before: 30, limit: 49 })
})

it('tells root keys by their names and others without their CRN; with --json as the log has them', async () => {
  await using cli = await startCliServer({ COFFER_KMS_ENABLE_DELAY_MS: '30000' })
  await cli.call(['key', 'create', 'told-root'])
  const { out: id } = await cli.call(['key', 'show', 'told-root', '--quiet'])
  await cli.call(['key', 'disable', 'told-root', '--yes'])
  const told = await cli.call(['audit', '--limit', '20'])
  expect(told.out).toContain('disabled the root key keys/told-root')
  expect(told.out).not.toMatch(/crn:|undefined/)
  expect(told.out).not.toContain(id.trim())
  const asJson = await cli.call(['audit', '--limit', '20', '--json'])
  expect(asJson.out).toMatch(new RegExp(`"rootKey":"crn:[^"]*:key:${id.trim()}"`))

  const early = await cli.call(['key', 'enable', 'told-root'])
  expect(early).toMatchObject({
    status: EXIT.conflict,
    err: expect.stringMatching(/too early: it can be done in ([1-9]|[12]\d|30) s\. .*\[REQ_TOO_EARLY_ERR/),
  })
})
