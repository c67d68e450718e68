import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, DeleteBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { mainAccount } from '../support/bootstrap.ts'
import { type ControlAnswer, keyOwner } from '../support/keys.ts'

export interface SoakChoresOptions {
  readonly client: () => S3Client
  readonly controlUrl: string
  /** Of the customer's buckets. */
  readonly rootKeyId: string
  readonly buckets: readonly string[]
  readonly everyMs: number
}

export interface SoakChores {
  readonly ended: Promise<void>
  readonly counts: () => Readonly<Record<string, number>>
  readonly violations: () => readonly string[]
}

/** What is done beside the requests for objects, one after the other, each with a token of its own. */
export function startSoakChores(options: SoakChoresOptions, signal: AbortSignal): SoakChores {
  const counts: Record<string, number> = {}
  const violations: string[] = []
  const run = async (): Promise<void> => {
    for (let turn = 0; !signal.aborted; turn++) {
      await sleep(options.everyMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      const chore = CHORES[turn % CHORES.length] ?? rotate
      try {
        await chore(options, turn)
        counts[chore.name] = (counts[chore.name] ?? 0) + 1
      } catch (error) {
        violations.push(`${chore.name}: ${String(error)}`)
      }
    }
  }
  return { ended: run(), counts: () => counts, violations: () => violations }
}

const CHORES = [rotate, rewrap, bucketThatGoes, rotate, keyThatGoes, disabledAndEnabled, identityThatGoes, recount]

async function rotate({ controlUrl, rootKeyId }: SoakChoresOptions): Promise<void> {
  await (await keyOwner(controlUrl)).act(rootKeyId, 'rotate')
}

/** A conflict: one is under way already. */
async function rewrap({ controlUrl, buckets }: SoakChoresOptions): Promise<void> {
  const { call } = await keyOwner(controlUrl)
  for (const bucket of buckets) expectStatus(await call('POST', `/admin/v1/buckets/${bucket}/rewrap`), [200, 202, 409])
}

async function bucketThatGoes({ client }: SoakChoresOptions, turn: number): Promise<void> {
  const Bucket = `goes-${turn}`
  await client().send(new CreateBucketCommand({ Bucket }))
  await client().send(new DeleteBucketCommand({ Bucket }))
}

async function keyThatGoes({ controlUrl }: SoakChoresOptions, turn: number): Promise<void> {
  const owner = await keyOwner(controlUrl)
  const { id } = await owner.newKey(`goes ${turn}`)
  await owner.remove(id)
}

async function disabledAndEnabled({ controlUrl }: SoakChoresOptions, turn: number): Promise<void> {
  const owner = await keyOwner(controlUrl)
  const { id } = await owner.newKey(`away ${turn}`)
  await owner.act(id, 'disable')
  await owner.act(id, 'enable')
  await owner.remove(id)
}

async function identityThatGoes({ controlUrl }: SoakChoresOptions, turn: number): Promise<void> {
  const { call } = await keyOwner(controlUrl)
  const made = await call('POST', '/v1/serviceids', { account_id: mainAccount.id, name: `goes ${turn}` })
  expectStatus(made, [201])
  expectStatus(await call('DELETE', `/v1/serviceids/${made.json.id}`), [204])
}

async function recount({ controlUrl }: SoakChoresOptions): Promise<void> {
  const { status, json } = await (await keyOwner(controlUrl)).call('POST', '/admin/v1/usage/recount')
  if (status !== 200 || json.exact !== true) throw new Error(`answered ${status}: ${JSON.stringify(json)}`)
}

function expectStatus({ status, json }: ControlAnswer, good: readonly number[]): void {
  if (!good.includes(status)) throw new Error(`answered ${status}: ${JSON.stringify(json)}`)
}
