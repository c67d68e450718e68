import { listOf, numberOf, textOf } from './json.ts'
import { type RootKey, registrationsOf } from './key-protect.ts'
import { tokenOrNone } from './optional-control.ts'
import type { Server } from './server.ts'
import { countText, sizeText } from './units.ts'

export interface BlastRadius {
  readonly buckets: readonly {
    readonly name: string
    readonly objects: number | undefined
    readonly bytes: number | undefined
  }[]
}

/** What goes dark when a key cannot be used: buckets, and what is in them as far as the caller may know. */
export async function blastRadius(server: Server, key: RootKey): Promise<BlastRadius> {
  const [registered, usage] = await Promise.all([
    tokenOrNone(() => registrationsOf(server, key)),
    tokenOrNone(() => server.control('GET', '/admin/v1/keys/usage', { query: { crn: key.crn } })),
  ])
  const used = new Map(listOf(usage, 'buckets').map((one) => [textOf(one, 'name') ?? textOf(one, 'bucket') ?? '', one]))
  const names = new Set([...(registered ?? []).map(({ bucket }) => bucket), ...used.keys()])
  return {
    buckets: [...names].sort().map((name) => ({
      name,
      objects: summed(used.get(name), 'objects'),
      bytes: summed(used.get(name), 'bytes'),
    })),
  }
}

export const bucketLines = ({ buckets }: BlastRadius): readonly string[] =>
  buckets.map(({ name, objects, bytes }) => {
    const held = [objects === undefined ? '' : countText(objects, 'object'), bytes === undefined ? '' : sizeText(bytes)]
    return `  ${[name, ...held].filter(Boolean).join('  ')}`
  })

/** Over the versions of the key; undefined where nothing is told. */
const summed = (use: unknown, member: string): number | undefined =>
  use === undefined
    ? undefined
    : listOf(use, 'versions').reduce<number>((sum, one) => sum + (numberOf(one, member) ?? 0), 0)
