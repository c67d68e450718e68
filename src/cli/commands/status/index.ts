import { isTrue, listOf, member, numberOf, parsed, textOf } from '../../json.ts'
import { keyInstances, keysOf } from '../../key-protect.ts'
import { tokenOrNone } from '../../optional-control.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'
import { countText, sizeText } from '../../units.ts'

const status: CommandSpec = {
  name: '',
  summary: 'Shows how a server is: its health, disks, buckets that are locked, keys, jobs, the look for damage.',
  about: 'A server is one node. Exit status 3 when something is not as it should be.',
  examples: ['coffer status', 'coffer status --json'],
  see: ['coffer health', 'coffer doctor', 'coffer jobs ls'],
  run: async (call) => {
    const server = await call.server()
    call.doing(`ask ${server.controlUrl} how it is`)
    const health = parsed((await server.open('GET', '/health/ready')).body)
    const [disks, buckets, jobs, scrub, keys] = await Promise.all([
      disksOf(server),
      tokenOrNone(() => server.control('GET', '/admin/v1/buckets')),
      tokenOrNone(() => server.control('GET', '/admin/v1/jobs')),
      tokenOrNone(() => server.control('GET', '/admin/v1/scrub')),
      tokenOrNone(async () =>
        (await Promise.all((await keyInstances(server)).map((one) => keysOf(server, one)))).flat(),
      ),
    ])
    const problems = listOf(health, 'problems').map(String)
    const locked = listOf(buckets, 'buckets').flatMap((one) =>
      textOf(one, 'state') === 'locked' ? (textOf(one, 'bucket') ?? []) : [],
    )
    const running = listOf(jobs, 'jobs').filter((one) => textOf(one, 'state') === 'running')
    const disabled = (keys ?? []).filter(({ isRootKey, state }) => isRootKey && state !== 'active')
    const found = member(scrub, 'scrub')
    const findings = numberOf(found, 'findings')
    const document = {
      ...{ control: server.controlUrl, s3: server.s3Url, status: textOf(health, 'status') ?? 'unknown', problems },
      ...{ disks, lockedBuckets: locked, keys: keys?.filter(({ isRootKey }) => isRootKey).length },
      ...{ keysNotActive: disabled.map(({ id, name, state }) => ({ id, name, state })) },
      ...{
        jobsRunning: running.length,
        scrub: found,
        version: textOf(health, 'version'),
        isDegraded: isTrue(health, 'degraded'),
      },
    }
    const isWell = problems.length === 0 && locked.length === 0 && (findings ?? 0) === 0 && document.status === 'ok'
    call.out.answer({ ...document, isWell }, () =>
      factsText(
        [
          ['server', `${document.status}, S3 on ${server.s3Url}, control on ${server.controlUrl}`],
          ...problems.map((problem) => ['problem', problem] as const),
          ...disks.map(
            ({ name, freeBytes, sizeBytes, state }) =>
              [
                'disk',
                `${name}: ${sizeText(freeBytes)} of ${sizeText(sizeBytes)} free${state === 'ok' ? '' : `, ${state}`}`,
              ] as const,
          ),
          ['locked', locked.length === 0 ? undefined : locked.join(', ')],
          ['root keys', keys === undefined ? undefined : String(document.keys)],
          [
            'not active',
            disabled.length === 0 ? undefined : disabled.map(({ name, state }) => `${name} (${state})`).join(', '),
          ],
          ['jobs', jobs === undefined ? undefined : `${countText(running.length, 'rewrap')} under way`],
          [
            'damage',
            findings === undefined
              ? undefined
              : findings === 0
                ? 'none found'
                : `${countText(findings, 'finding')}: coffer scrub findings`,
          ],
        ],
        call.out.paint,
      ),
    )
    return isWell ? 'done' : 'partly'
  },
}

interface Disk {
  readonly name: string
  readonly freeBytes: number
  readonly sizeBytes: number
  /** `ok`, `low`, `full` */
  readonly state: string
}

/** As /metrics has them; none where that is not for everybody. */
async function disksOf(server: Server): Promise<readonly Disk[]> {
  const { status, body } = await server.open('GET', '/metrics')
  if (status !== 200) return []
  const of = (metric: string, name: string): number =>
    Number(new RegExp(`^${metric}\\{disk="${RegExp.escape(name)}"\\} (\\S+)$`, 'm').exec(body)?.[1] ?? 0)
  const states = [...body.matchAll(/^coffer_disk_state\{disk="([^"]+)",state="(\w+)"\} 1$/gm)]
  return states.map(([, name = '', state = '']) => ({
    ...{ name, state },
    freeBytes: of('coffer_disk_free_bytes', name),
    sizeBytes: of('coffer_disk_size_bytes', name),
  }))
}

export const COMMANDS: readonly CommandSpec[] = [status]
