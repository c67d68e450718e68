import { createHash } from 'node:crypto'
import { type Deed, disorder } from '../../support/linearizable.ts'

export interface Content {
  readonly bytes: Buffer
  /** Kept as user metadata, so that a manifest of another object is noticed. A copy of an upload of one part has its label. */
  readonly labels: readonly string[]
}

/** What one key holds: the ETag of its content, and the uploads for it that have come to an end. */
export interface KeyState {
  readonly etag: string | undefined
  readonly ended: readonly string[]
}

const initial: KeyState = { etag: undefined, ended: [] }
const nameOf = ({ etag, ended }: KeyState): string => `${etag} ${ended.join()}`

export const etagOf = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')

/** What was attempted and answered, key by key, and which bytes an ETag stands for. */
export interface Ledger {
  readonly contents: ReadonlyMap<string, Content>
  readonly expect: (etag: string, bytes: Buffer, labels: readonly string[]) => void
  readonly note: (place: string, deed: Deed<KeyState>) => void
  readonly wrong: (text: string) => void
  readonly trace: readonly string[]
  /** Everything that must not have happened. */
  readonly findings: () => string[]
}

export function ledger(): Ledger {
  const deeds = new Map<string, Deed<KeyState>[]>()
  const contents = new Map<string, Content>()
  const wrongs: string[] = []
  const trace: string[] = []
  return {
    contents,
    expect: (etag, bytes, labels) =>
      void contents.set(etag, { bytes, labels: [...(contents.get(etag)?.labels ?? []), ...labels] }),
    trace,
    note: (place, deed) => {
      deeds.set(place, [...(deeds.get(place) ?? []), deed])
      trace.push(`${place} ${deed.text}`)
    },
    wrong: (text) => void wrongs.push(text),
    findings: () => [
      ...wrongs,
      ...[...deeds].flatMap(([place, ofPlace]) => {
        const found = disorder(ofPlace, { initial, nameOf })
        return found ? [`the answers for ${place} fit no order: ${found}`] : []
      }),
    ],
  }
}

export const observes = (etag: string | undefined) => (state: KeyState) => (state.etag === etag ? state : undefined)

export const writes =
  (etag: string | undefined, allowed: (state: KeyState) => boolean = () => true) =>
  (state: KeyState) =>
    allowed(state) ? { ...state, etag } : undefined

/** An upload ends once. Completing it again is answered as before while its object is there. */
export const completes =
  (uploadId: string, etag: string, allowed: (state: KeyState) => boolean = () => true) =>
  (state: KeyState): KeyState | undefined => {
    if (state.ended.includes(uploadId)) return state.etag === etag ? state : undefined
    return allowed(state) ? { etag, ended: [...state.ended, uploadId] } : undefined
  }

export const aborts =
  (uploadId: string) =>
  (state: KeyState): KeyState | undefined =>
    state.ended.includes(uploadId) ? undefined : { ...state, ended: [...state.ended, uploadId] }
