import type { Call } from '../call.ts'
import { CommandFailure } from '../failure.ts'
import { failedItems } from '../item-failure.ts'
import { shown } from '../paint.ts'
import { inParallel } from '../s3/workers.ts'
import { countText, sizeText } from '../units.ts'
import type { Checked } from './copy-version.ts'
import type { KeyPlan } from './plan.ts'

/** Everything below one place to another: what is there is passed over, so that any run goes on with an earlier one. */
export interface Transfer {
  /** As people call them. */
  readonly source: string
  readonly destination: string
  readonly isVersioned: boolean
  /** What is to be done, read anew each time; `isKnown` hears of every key of the source. */
  readonly plans: (isKnown: (key: string) => void) => AsyncGenerator<KeyPlan>
  /** What each version of it was checked against. */
  readonly move: (plan: KeyPlan, onBytes: (bytes: number) => void) => Promise<readonly Checked[]>
  /** Versions that were copied without the retention that they had. */
  readonly unlocked?: () => number
  /** Of the server that is told of when it cannot be reached. */
  readonly endpoint: string
}

export const TRANSFER_OPTIONS = {
  'dry-run': { help: 'says what would be copied, and copies nothing' },
  parallel: { value: 'n', help: 'objects at once; 8 by default' },
} as const

interface Sum {
  keys: number
  versions: number
  bytes: number
  all: number
}

/** Plans, and then copies, unless --check or --dry-run end it there. */
export async function transferred(call: Call, transfer: Transfer): Promise<'done'> {
  const planned: Sum = { keys: 0, versions: 0, bytes: 0, all: 0 }
  const isCheck = call.flag('check')
  for await (const plan of transfer.plans(() => planned.all++)) {
    planned.keys++
    planned.versions += plan.versions.length
    planned.bytes += plan.bytes
    if (isCheck || call.flag('dry-run')) told(call, plan)
  }
  if (planned.all === 0) call.out.warning(`There is nothing in ${transfer.source}: is that its name?`)
  const facts = { source: transfer.source, destination: transfer.destination, objects: planned.all }
  const what = `${countText(planned.keys, 'object')}${transfer.isVersioned ? ` in ${countText(planned.versions, 'version')}` : ''}, ${sizeText(planned.bytes)}`
  if (isCheck) {
    if (planned.keys > 0)
      throw new CommandFailure({
        code: 'Different',
        ending: 'partly',
        why: `${what}, of ${planned.all} are missing there or different`,
        fixes: ['the same command without --check'],
      })
    call.out.result(
      { ...facts, different: 0 },
      () => `✓ All ${countText(planned.all, 'object')} of ${facts.source} are in ${facts.destination}`,
    )
    return 'done'
  }
  if (call.flag('dry-run')) {
    call.out.result(
      { ...facts, dryRun: true, copy: planned.keys, versions: planned.versions, bytes: planned.bytes },
      () => `${what}, of ${planned.all} would be copied. Nothing was.`,
    )
    return 'done'
  }
  call.progress().total(planned.bytes, planned.keys)
  return copied(call, transfer, { all: planned.all, facts })
}

const told = ({ out }: Call, { key, versions, bytes, difference, conflict }: KeyPlan): void =>
  out.item(
    { key, versions: versions.length, bytes, difference, conflict },
    () =>
      `${difference === 'missing' ? '+' : '≠'} ${shown(key)}  ${sizeText(bytes)}${conflict === undefined ? '' : `  ▲ ${conflict}`}`,
    key,
  )

interface Facts {
  readonly all: number
  readonly facts: object
}

async function copied(call: Call, transfer: Transfer, { all, facts }: Facts): Promise<'done'> {
  const progress = call.progress()
  const failed = failedItems(call, transfer.endpoint)
  const sum = { objects: 0, versions: 0, bytes: 0 }
  const checks: Record<Checked, number> = { etag: 0, checksum: 0, size: 0 }
  const plans = transfer.plans(() => {})
  await inParallel(plans, Math.max(1, call.count('parallel') ?? 8), async (plan) => {
    const { key, target, versions, conflict, bytes } = plan
    try {
      if (conflict !== undefined)
        throw new CommandFailure({ code: 'VersionsDiffer', ending: 'conflict', why: conflict })
      progress.begin(key, undefined)
      for (const check of await transfer.move(plan, progress.add)) checks[check]++
      sum.versions += versions.length
      sum.bytes += bytes
      sum.objects++
      progress.itemDone()
      if (call.out.json || call.out.quiet)
        call.out.item({ key, destination: target, versions: versions.length }, () => undefined, target)
    } catch (error) {
      if (call.signal.aborted) throw error
      progress.clear()
      failed.add(key, error)
    }
  })
  progress.clear()
  const were = `${countText(sum.objects, 'object')}, ${sizeText(sum.bytes)}, were`
  failed.check(sum.objects, `${countText(failed.count(), 'object')} could not be copied; ${were}`, [
    'the same command again: what was copied is passed over',
  ])
  const unlocked = transfer.unlocked?.() ?? 0
  if (unlocked > 0)
    call.out.warning(
      `${countText(unlocked, 'version')} could not be deleted at the source, by retention or a legal hold, and can be here: the destination has no Object Lock`,
    )
  call.out.result(
    { ...facts, copied: { ...sum, failed: 0 }, passedOver: all - sum.objects, checked: checks, unlocked },
    () => summary(sum, all, checks),
  )
  return 'done'
}

function summary(
  sum: { readonly objects: number; readonly versions: number; readonly bytes: number },
  all: number,
  checks: Readonly<Record<Checked, number>>,
): string {
  const versions = sum.versions > sum.objects ? ` in ${countText(sum.versions, 'version')}` : ''
  const by = [
    checks.etag > 0 ? `${checks.etag} by ETag` : '',
    checks.checksum > 0 ? `${checks.checksum} by checksum` : '',
    checks.size > 0 ? `${checks.size} by size alone` : '',
  ].filter(Boolean)
  return [
    `✓ ${countText(sum.objects, 'object')}${versions} copied, ${sizeText(sum.bytes)}; ${all - sum.objects} were there`,
    ...(by.length > 0 ? [`  checked: ${by.join(', ')}`] : []),
  ].join('\n')
}
