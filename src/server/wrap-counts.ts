import { encodeList } from '../base/bytes.ts'
import type { WrapCounts } from '../envelope/wrap-budget.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'

/** Names of counters start with it: `wrap` ‖ list(root key CRN, key version). No number of a space is as high. */
const PREFIX = Buffer.from('wrap', 'latin1')

export function wrapCounts(store: Pick<MetadataStore, 'counters' | 'commit'>): WrapCounts {
  const nameOf = (crn: string, keyVersion: string): Buffer => Buffer.concat([PREFIX, encodeList([crn, keyVersion])])
  return {
    reserved: async (crn, keyVersion) => {
      const name = nameOf(crn, keyVersion)
      return (await store.counters(name)).find(({ key }) => key.equals(name))?.value ?? 0
    },
    reserve: async (crn, keyVersion, wraps) => {
      await store.commit([{ type: 'add', key: nameOf(crn, keyVersion), delta: wraps }])
    },
  }
}
