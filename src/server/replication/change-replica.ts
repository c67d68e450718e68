import type { ReplicaChange } from '../../objects/replication/target.ts'
import { isNotFound, isRefusal } from './answers.ts'
import { retentionOf } from './inputs.ts'
import type { TargetClient } from './s3-client.ts'

interface VersionPlace {
  readonly Bucket: string
  readonly Key: string
  readonly VersionId?: string
}

/** Sends what has changed, and nothing else. Resolves to whether what is there is held by what was sent. */
export async function changeReplica(
  target: TargetClient,
  place: VersionPlace,
  change: ReplicaChange,
  abortSignal: AbortSignal,
): Promise<boolean> {
  const { changed, held } = change
  if (changed.includes('tags')) await tag(target, place, change, abortSignal)
  const Retention = retentionOf(change)
  if (Retention && changed.includes('retention')) await retain(target, place, Retention, abortSignal)
  return changed.includes('hold') ? await hold(target, place, change, abortSignal) : held
}

async function tag(
  { sdk, client }: TargetClient,
  place: VersionPlace,
  { tags }: ReplicaChange,
  abortSignal: AbortSignal,
): Promise<void> {
  const TagSet = tags.map(({ key: Key, value: Value }) => ({ Key, Value }))
  if (TagSet.length === 0) await client.send(new sdk.DeleteObjectTaggingCommand(place), { abortSignal })
  else await client.send(new sdk.PutObjectTaggingCommand({ ...place, Tagging: { TagSet } }), { abortSignal })
}

/** A hold that was there before is not released from here: it may be its owner's. */
async function hold(
  target: TargetClient,
  place: VersionPlace,
  { lock, held }: ReplicaChange,
  abortSignal: AbortSignal,
): Promise<boolean> {
  const isOn = lock?.legalHold === true
  if (!isOn && !held) return false
  const isOurs = held || !(await isHeld(target, place, abortSignal))
  const { sdk, client } = target
  const LegalHold = { Status: isOn ? 'ON' : 'OFF' } as const
  await client.send(new sdk.PutObjectLegalHoldCommand({ ...place, LegalHold }), { abortSignal })
  return isOn && isOurs
}

/** Where the credentials may not ask, it is taken to be so. */
async function isHeld({ sdk, client }: TargetClient, place: VersionPlace, abortSignal: AbortSignal): Promise<boolean> {
  try {
    const { LegalHold } = await client.send(new sdk.GetObjectLegalHoldCommand(place), { abortSignal })
    return LegalHold?.Status === 'ON'
  } catch (error) {
    if (isNotFound(error)) return false
    if (isRefusal(error)) return true
    throw error
  }
}

/** One there that is at least as strong stays: nothing here may make it weaker. */
async function retain(
  { sdk, client }: TargetClient,
  place: VersionPlace,
  Retention: NonNullable<ReturnType<typeof retentionOf>>,
  abortSignal: AbortSignal,
): Promise<void> {
  try {
    await client.send(new sdk.PutObjectRetentionCommand({ ...place, Retention }), { abortSignal })
  } catch (error) {
    if (!isRefusal(error)) throw error
    const asked = client.send(new sdk.GetObjectRetentionCommand(place), { abortSignal })
    const there = await asked.then((answer) => answer.Retention).catch(() => undefined)
    const isAsStrict = there?.Mode === 'COMPLIANCE' || there?.Mode === Retention.Mode
    const untilMs = there?.RetainUntilDate?.getTime() ?? 0
    if (!isAsStrict || untilMs < Retention.RetainUntilDate.getTime()) throw error
  }
}
