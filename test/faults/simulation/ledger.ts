import { createHash } from 'node:crypto'
import type { Versioning } from '../../../src/objects/records.ts'
import { type Deed, disorder } from '../../support/linearizable.ts'

export interface Content {
  readonly bytes: Buffer
  /** Kept as user metadata, so that a manifest of another object is noticed. A copy of an upload of one part has its label. */
  readonly labels: readonly string[]
}

/** One version of a key: of a delete marker without an ETag, of one whose writer heard of no id without that. */
export interface KeyVersion {
  readonly id: string | undefined
  readonly etag: string | undefined
}

/** What one key holds: the ETag of its current content, its versions where there are any, and the uploads for it that have come to an end. */
export interface KeyState {
  readonly etag: string | undefined
  readonly mode: Versioning | undefined
  /** From the newest on; empty without versioning. */
  readonly versions: readonly KeyVersion[]
  readonly ended: readonly string[]
}

/** Made with versioning. */
export const VERSIONED = 'gamma'

const initialOf = (place: string): KeyState => ({
  ...{ etag: undefined, versions: [], ended: [] },
  mode: place.startsWith(`${VERSIONED}/`) ? 'Enabled' : undefined,
})
const nameOf = ({ etag, mode, versions, ended }: KeyState): string =>
  `${etag} ${mode} ${versions.map((version) => `${version.id}=${version.etag}`).join()} ${ended.join()}`

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
        const found = disorder(ofPlace, { initial: initialOf(place), nameOf })
        return found ? [`the answers for ${place} fit no order: ${found}`] : []
      }),
    ],
  }
}

export const observes = (etag: string | undefined) => (state: KeyState) => (state.etag === etag ? state : undefined)

/** What a write makes of a key; undefined when it cannot have been answered with this id. */
function written(state: KeyState, etag: string | undefined, id: string | undefined): KeyState | undefined {
  const { mode, versions } = state
  if (mode === undefined) return { ...state, etag }
  const isNull = mode === 'Suspended'
  if (id !== undefined && (id === 'null') !== isNull) return undefined
  const others = isNull ? versions.filter((version) => version.id !== 'null') : versions
  return { ...state, etag, versions: [{ id: isNull ? 'null' : id, etag }, ...others] }
}

/** `id`: of the version that it was answered to be. */
export const writes =
  (etag: string | undefined, allowed: (state: KeyState) => boolean = () => true, id?: string) =>
  (state: KeyState): KeyState | undefined =>
    allowed(state) ? written(state, etag, id) : undefined

/** Of a version that was told of: it goes, or was gone. */
export const removesVersion =
  (id: string, wasMarker: boolean | undefined) =>
  (state: KeyState): KeyState | undefined => {
    const found = state.versions.find((version) => version.id === id)
    const isMarker = found !== undefined && found.etag === undefined
    if (wasMarker !== undefined && wasMarker !== isMarker) return undefined
    const versions = state.versions.filter((version) => version.id !== id)
    return { ...state, versions, etag: versions[0]?.etag }
  }

export const observesVersion = (id: string, etag: string | undefined) => (state: KeyState) =>
  state.versions.find((version) => version.id === id)?.etag === etag ? state : undefined

/** Whatever the ids are that nobody was told. */
export const observesVersions = (seen: readonly KeyVersion[]) => (state: KeyState) =>
  seen.length === state.versions.length &&
  seen.every(({ id, etag }, at) => {
    const version = state.versions[at]
    return version?.etag === etag && (version?.id === undefined || version.id === id)
  })
    ? state
    : undefined

export const setsMode =
  (mode: Versioning) =>
  (state: KeyState): KeyState => ({ ...state, mode })

/** An upload ends once. Completing it again is answered as before while its object is there. */
export const completes =
  (uploadId: string, etag: string, allowed: (state: KeyState) => boolean = () => true, id?: string) =>
  (state: KeyState): KeyState | undefined => {
    if (state.ended.includes(uploadId)) return state.etag === etag ? state : undefined
    const after = allowed(state) ? written(state, etag, id) : undefined
    return after && { ...after, ended: [...state.ended, uploadId] }
  }

export const aborts =
  (uploadId: string) =>
  (state: KeyState): KeyState | undefined =>
    state.ended.includes(uploadId) ? undefined : { ...state, ended: [...state.ended, uploadId] }
