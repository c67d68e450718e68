import { newestEntries } from '../audit-log.ts'
import { authorizations } from '../authorizations.ts'
import { listOf, member, numberOf, textOf } from '../json.ts'
import { jobsOf } from '../rewrap-jobs.ts'
import type { Server } from '../server.ts'
import { countText, whenText } from '../units.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

const OLD_MS = 7 * 86_400_000
/** More are not looked through: each takes a call. */
const MOST_ASKED = 200

export async function buckets(server: Server): Promise<readonly Finding[]> {
  const answer = await server.control('GET', '/admin/v1/buckets')
  const all = listOf(answer, 'buckets')
  const closed = all.filter((one) => !['open', 'unchecked'].includes(textOf(one, 'state') ?? ''))
  return closed.length === 0
    ? [ok('buckets', `${countText(all.length, 'bucket')}, whose root keys are the right ones and answer`)]
    : closed.map((one) => {
        const name = textOf(one, 'bucket') ?? ''
        return problem(
          'buckets',
          `${name} cannot be read: ${textOf(one, 'state') ?? ''}`,
          `coffer bucket who-can-read ${name}`,
        )
      })
}

export async function rights(server: Server): Promise<readonly Finding[]> {
  const [all, instances] = await Promise.all([authorizations(server), server.instances()])
  const guids = new Set(['', ...instances.map(({ guid }) => guid)])
  const dangling = all.filter(
    ({ sourceInstance, targetInstance }) => !(guids.has(sourceInstance) && guids.has(targetInstance)),
  )
  return dangling.length === 0
    ? [ok('authorizations', `${countText(all.length, 'authorization')}, each between instances that are there`)]
    : dangling.map(({ id }) =>
        warning(
          'authorizations',
          `${id} is for an instance that is not there`,
          `coffer authorization rm ${id} --dry-run`,
        ),
      )
}

export async function uploads(server: Server): Promise<readonly Finding[]> {
  const s3 = await server.s3()
  const { Buckets: all = [] } = await s3.listBuckets({})
  const found: Finding[] = []
  for (const { Name: bucket = '' } of all.slice(0, MOST_ASKED)) {
    // Of a bucket that is another's to look at nothing is said.
    const page = await s3.listMultipartUploads({ Bucket: bucket }).catch(() => undefined)
    const old = (page?.Uploads ?? []).filter(({ Initiated }) => Date.now() - (Initiated?.getTime() ?? 0) > OLD_MS)
    if (old.length > 0)
      found.push(
        warning(
          'uploads',
          `${bucket} keeps the parts of ${countText(old.length, 'upload')} that ended nowhere for a week`,
          `coffer bucket lifecycle set ${bucket} --abort-uploads-days 7`,
        ),
      )
  }
  return found.length > 0 ? found : [ok('uploads', 'none that began a week ago or longer')]
}

export async function background(server: Server): Promise<readonly Finding[]> {
  const failures = (await jobsOf(server)).filter(({ state }) => state === 'failed')
  const scrub = member(await server.control('GET', '/admin/v1/scrub').catch(() => undefined), 'scrub')
  const damage = numberOf(scrub, 'findings') ?? 0
  return [
    ...failures.map(({ bucket, problem: why }) =>
      problem('jobs', `the rewrap of ${bucket} failed: ${why ?? ''}`, `coffer rewrap --bucket ${bucket}`),
    ),
    ...(failures.length === 0 ? [ok('jobs', 'no rewrap failed')] : []),
    ...(damage > 0
      ? [problem('damage', `${countText(damage, 'finding')} in what is stored`, 'coffer scrub findings')]
      : []),
    ...(scrub !== undefined && damage === 0 ? [ok('damage', 'none was found')] : []),
  ]
}

/** As the audit log has it, which is the operator account's to read. */
export async function backups(server: Server): Promise<readonly Finding[]> {
  const answer = await newestEntries(server, { did: 'store.backup', outcome: 'success' }, 1).catch(() => undefined)
  if (answer === undefined) return []
  const last = textOf(answer.entries[0], 'time')
  const mend = 'coffer backup create REPOSITORY, every night: docs/backup.md'
  if (last === undefined) return [warning('backup', 'the audit log of your account tells of none', mend)]
  const age = whenText(last, Date.now())
  return Date.now() - Date.parse(last) > OLD_MS
    ? [warning('backup', `the last one was ${age}`, mend)]
    : [ok('backup', `the last one was ${age}`)]
}
