import { listOf, numberOf, textOf } from '../json.ts'
import { labelled } from '../key-face.ts'
import { keyInstances, keyLabel, keysOf, type RootKey } from '../key-protect.ts'
import { probed } from '../probe.ts'
import { jobsOf } from '../rewrap-jobs.ts'
import type { Server } from '../server.ts'
import { countText, whenText } from '../units.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

const DAY_MS = 86_400_000
const SOON_MS = 30 * DAY_MS
const MONTH_MS = 30 * DAY_MS
/** More are not looked through: each takes a call. */
const MOST_ASKED = 200

/** Each wraps and unwraps a probe. */
export async function providers(server: Server): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for (const instance of await keyInstances(server)) {
    const key = (await keysOf(server, instance)).find(({ isRootKey, state }) => isRootKey && state === 'active')
    if (!key) {
      found.push(ok('key service', `${instance.name} has no active root key to try`))
      continue
    }
    try {
      found.push(
        ok(
          'key service',
          `${instance.name} wrapped and unwrapped with ${keyLabel(key)} in ${await probed(server, key)} ms`,
        ),
      )
    } catch (error) {
      found.push({ ...failed('key service', error, server), message: `${instance.name} does not wrap and unwrap` })
    }
  }
  return found
}

export async function keys(server: Server): Promise<readonly Finding[]> {
  const all = (await Promise.all((await keyInstances(server)).map((one) => keysOf(server, one))))
    .flat()
    .filter(({ isRootKey }) => isRootKey)
  const told = all.flatMap((key) => ofKey(key, Date.now()))
  const outdated = await Promise.all(
    all
      .filter(({ rotatedAt }) => rotatedAt !== undefined)
      .slice(0, MOST_ASKED)
      .map((key) => oldVersions(server, key)),
  )
  return [
    ...told,
    ...outdated.flat(),
    ...(told.length === 0
      ? [ok('root keys', `${countText(all.length, 'root key')}, none disabled, due or about to expire`)]
      : []),
  ]
}

function ofKey(key: RootKey, nowMs: number): readonly Finding[] {
  const name = labelled(key)
  if (key.state !== 'active')
    return [
      warning(
        'root keys',
        `${name} is ${key.state}: what is under it cannot be read`,
        `coffer key enable ${name}, if that was not meant`,
      ),
    ]
  const expiresMs = key.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(key.expiresAt)
  if (expiresMs - nowMs < SOON_MS)
    return [
      warning(
        'root keys',
        `${name} expires ${whenText(key.expiresAt, nowMs)}, and wraps nothing from then on`,
        `coffer bucket encrypt BUCKET --key ANOTHER, for each of coffer key buckets ${name}`,
      ),
    ]
  const rotatedMs = Date.parse(key.rotatedAt ?? key.createdAt ?? '')
  const isDue = key.rotateMonths !== undefined && nowMs - rotatedMs > key.rotateMonths * MONTH_MS + DAY_MS
  return isDue
    ? [
        warning(
          'root keys',
          `${name} was to be rotated every ${key.rotateMonths} months, and was last ${whenText(new Date(rotatedMs), nowMs)}`,
          `coffer key rotate ${name}`,
        ),
      ]
    : []
}

/** Data keys that a rewrap has not brought to the newest version. */
async function oldVersions(server: Server, key: RootKey): Promise<readonly Finding[]> {
  const usage = await server.control('GET', '/admin/v1/keys/usage', { query: { crn: key.crn } })
  const old = listOf(usage, 'versions').filter((one) => textOf(one, 'keyVersion') !== key.versionId)
  const left = old.reduce<number>((sum, one) => sum + (numberOf(one, 'objects') ?? 0), 0)
  const running = (await jobsOf(server)).some(({ state }) => state === 'running')
  return left === 0 || running
    ? []
    : [
        warning(
          'root keys',
          `${countText(left, 'object')} are on former versions of ${labelled(key)}`,
          `coffer rewrap --key ${labelled(key)}`,
        ),
      ]
}
