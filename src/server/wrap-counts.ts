import { encodeList } from '../base/bytes.ts'
import { createSerial } from '../base/serial.ts'
import type { WrapCounts } from '../envelope/wrap-budget.ts'
import type { Counter, MetadataStore, Write } from '../storage/metadata/metadata-store.ts'

/** Names of counters start with it: `wrap` ‖ list(root key CRN, key version). No number of a space is as high. */
const PREFIX = Buffer.from('wrap', 'latin1')
/** How often the store was put back from a backup. No list begins so. */
const RESTORES = Buffer.from('wrap restores', 'latin1')

type Store = Pick<MetadataStore, 'counters' | 'commit'>

/**
 * `allowance`: what a version may have wrapped between a backup and its restore, which nobody counted. In a store that was
 * restored it counts for versions that are met first, too: one may have been made, and have wrapped, in the time that is lost.
 */
export function wrapCounts(store: Store, allowance = 0): WrapCounts {
  const nameOf = (crn: string, keyVersion: string): Buffer => Buffer.concat([PREFIX, encodeList([crn, keyVersion])])
  const oneByOne = createSerial()
  const counted = async (name: Buffer): Promise<number | undefined> =>
    (await store.counters(name)).find(({ key }) => key.equals(name))?.value
  const beginning = async (): Promise<number> => ((await counted(RESTORES)) === undefined ? 0 : allowance)
  const reserved = async (crn: string, keyVersion: string): Promise<number> =>
    (await counted(nameOf(crn, keyVersion))) ?? (await beginning())
  return {
    reserved,
    reserve: (crn, keyVersion, wraps) =>
      oneByOne.run(`${crn}\n${keyVersion}`, async () => {
        const name = nameOf(crn, keyVersion)
        const before = (await counted(name)) === undefined ? await beginning() : 0
        await store.commit([{ type: 'add', key: name, delta: before + wraps }])
        return reserved(crn, keyVersion)
      }),
  }
}

const WRITES_PER_COMMIT = 400

/** After a restore: counts the allowance for every version that is known. Once too often does no harm. */
export async function countLostWraps(store: Store, allowance: number): Promise<void> {
  const all = await store.counters(PREFIX)
  const versions = all.filter(({ key }: Counter) => !key.equals(RESTORES))
  const writes = versions.map(({ key }): Write => ({ type: 'add', key, delta: allowance }))
  for (let at = 0; at < writes.length; at += WRITES_PER_COMMIT) {
    await store.commit(writes.slice(at, at + WRITES_PER_COMMIT))
  }
  await store.commit([{ type: 'add', key: RESTORES, delta: 1 }])
}
