import type { PlannedRequest } from './plan.ts'

export type Limit = 'get' | 'put' | 'head'

/** One row of the table. */
export interface Workload {
  readonly name: string
  readonly sizeBytes: number
  /** Objects that have to be there before: `count` of them, by `keyOf`. */
  readonly filled: { readonly count: number; readonly sizeBytes: number }
  readonly requests: (bucket: string, run: string, uploads: readonly Upload[]) => Iterable<PlannedRequest>
  /** Multipart uploads that have to be begun for it. */
  readonly uploads?: number
  /** It reads pages of the listed keys. */
  readonly listed?: boolean
  /** May the same requests be sent again and again? */
  readonly loop: boolean
  /** What of the machine it is compared with. */
  readonly limit: Limit
  /** Of an answer: plain bytes that are of use to the client. */
  readonly usefulBytes: number
}

export interface Upload {
  readonly Key: string
  readonly UploadId: string
}

export const LISTED = 'listed'
const KEYS_A_FOLDER = 20

/** `count` keys in folders of 20. */
export const listedKeys = (count: number): string[] =>
  Array.from(
    { length: count },
    (_, n) => `listed/${digits(Math.floor(n / KEYS_A_FOLDER))}/${digits(n % KEYS_A_FOLDER)}`,
  )

const digits = (number: number): string => String(number).padStart(8, '0')

export const KIB = 1024
export const MIB = 1024 * KIB
const PAGES = 500
/** Pages begin in these: behind each there is a whole one, of 1,000 keys. */
const FIRST_FOLDERS = 900
const PARTS = 8
const RANGE_BYTES = 64 * KIB
/** A hash for every body would be the client's cost; of large ones AWS's own clients send none over TLS. */
const SIGNED_BODY_BYTES = MIB

export type HashOf = (bytes: number) => string

export const keyOf = (sizeBytes: number, index: number): string => `fill/${sizeBytes}/${digits(index)}`

export function put(bucket: string, key: string, sizeBytes: number, hashOf: HashOf): PlannedRequest {
  const bodyHash = sizeBytes <= SIGNED_BODY_BYTES ? hashOf(sizeBytes) : 'UNSIGNED-PAYLOAD'
  return { method: 'PUT', path: `/${bucket}/${key}`, bodyBytes: sizeBytes, bodyHash }
}

/** Few enough of the large ones that they fit on the disk, many enough of the small ones that no cache holds one alone. */
const countOf = (sizeBytes: number): number => (sizeBytes >= 16 * MIB ? 8 : sizeBytes >= MIB ? 64 : 2000)

/** Pages of the listed keys, from one place after another. `query`: sorted, all before `start-after`. */
function listing(name: string, query: string): Workload {
  return {
    ...{
      name,
      sizeBytes: 0,
      filled: { count: 0, sizeBytes: 0 },
      listed: true,
      loop: true,
      limit: 'head',
      usefulBytes: 0,
    },
    requests: function* (bucket) {
      for (let n = 0; n < PAGES; n++) {
        const after = encodeURIComponent(`listed/${digits((n * 7919) % FIRST_FOLDERS)}`)
        yield { method: 'GET', path: `/${bucket}`, query: `${query}&start-after=${after}` }
      }
    },
  }
}

export function workloads(hashOf: HashOf): Record<string, (sizeBytes: number) => Workload> {
  const filledWith = (sizeBytes: number) => ({ count: countOf(sizeBytes), sizeBytes })
  const nothing = { count: 0, sizeBytes: 0 }
  const reading = (method: 'GET' | 'HEAD', sizeBytes: number, headers = {}): Workload['requests'] =>
    function* (bucket) {
      // Not in the order in which they were written.
      const count = countOf(sizeBytes)
      for (let n = 0; n < count; n++)
        yield { method, path: `/${bucket}/${keyOf(sizeBytes, (n * 7919) % count)}`, headers }
    }
  return {
    put: (sizeBytes) => ({
      name: 'PUT',
      sizeBytes,
      filled: nothing,
      loop: true,
      limit: 'put',
      usefulBytes: sizeBytes,
      requests: function* (bucket, run) {
        const count = sizeBytes >= MIB ? countOf(sizeBytes) : 50_000
        for (let n = 0; n < count; n++) yield put(bucket, `put/${run}/${n}`, sizeBytes, hashOf)
      },
    }),
    get: (sizeBytes) => ({
      name: 'GET',
      sizeBytes,
      filled: filledWith(sizeBytes),
      loop: true,
      limit: 'get',
      usefulBytes: sizeBytes,
      requests: reading('GET', sizeBytes),
    }),
    head: (sizeBytes) => ({
      name: 'HEAD',
      sizeBytes,
      filled: filledWith(sizeBytes),
      loop: true,
      limit: 'head',
      usefulBytes: 0,
      requests: reading('HEAD', sizeBytes),
    }),
    range: (sizeBytes) => ({
      name: 'GET 64 KiB of',
      sizeBytes,
      filled: filledWith(sizeBytes),
      loop: true,
      limit: 'get',
      usefulBytes: Math.min(sizeBytes, RANGE_BYTES),
      requests: function* (bucket) {
        for (let n = 0; n < 1000; n++) {
          const segments = Math.max(1, Math.floor(sizeBytes / RANGE_BYTES))
          const start = ((n * 7919) % segments) * RANGE_BYTES
          const key = keyOf(sizeBytes, n % countOf(sizeBytes))
          const headers = { range: `bytes=${start}-${start + RANGE_BYTES - 1}` }
          yield { method: 'GET', path: `/${bucket}/${key}`, headers }
        }
      },
    }),
    delete: (sizeBytes) => ({
      name: 'DELETE',
      sizeBytes,
      filled: nothing,
      loop: false,
      limit: 'head',
      usefulBytes: 0,
      requests: function* (bucket, run) {
        for (let n = 0; n < 20_000; n++) yield { method: 'DELETE', path: `/${bucket}/put/${run}/${n}` }
      },
    }),
    mixed: (sizeBytes) => ({
      name: 'GET/PUT 70/30',
      sizeBytes,
      filled: filledWith(sizeBytes),
      loop: true,
      limit: 'get',
      usefulBytes: sizeBytes,
      requests: function* (bucket, run) {
        const count = countOf(sizeBytes)
        for (let n = 0; n < 10 * count; n++) {
          if (n % 10 < 7) yield { method: 'GET', path: `/${bucket}/${keyOf(sizeBytes, (n * 7919) % count)}` }
          else yield put(bucket, `put/${run}/${n}`, sizeBytes, hashOf)
        }
      },
    }),
    list: () => listing('LIST 1,000', 'list-type=2&prefix=listed%2F'),
    folders: () => listing('LIST 100 folders', 'delimiter=%2F&list-type=2&max-keys=100&prefix=listed%2F'),
    part: (sizeBytes) => ({
      name: 'UploadPart',
      sizeBytes,
      filled: nothing,
      uploads: 8,
      loop: true,
      limit: 'put',
      usefulBytes: sizeBytes,
      requests: function* (bucket, _run, uploads) {
        for (let part = 1; part <= PARTS; part++) {
          for (const { Key, UploadId } of uploads) {
            const query = `partNumber=${part}&uploadId=${encodeURIComponent(UploadId)}`
            yield { ...put(bucket, Key, sizeBytes, hashOf), query }
          }
        }
      },
    }),
  }
}
