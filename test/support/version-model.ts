import type { Versioning } from '../../src/objects/records.ts'

/** One version as S3 has it; `text` undefined: a delete marker. */
export interface ModelVersion {
  readonly id: string
  readonly text: string | undefined
}

/** The versions of one key, from the newest on, in a bucket of this mode. */
export interface ModelKey {
  readonly mode: Versioning | undefined
  readonly versions: readonly ModelVersion[]
}

export const nothing: ModelKey = { mode: undefined, versions: [] }

const withoutNull = (versions: readonly ModelVersion[]): ModelVersion[] => versions.filter(({ id }) => id !== 'null')
const fits = ({ mode, versions }: ModelKey, id: string): boolean =>
  mode === 'Enabled' ? id !== 'null' && !versions.some((version) => version.id === id) : id === 'null'

/** What S3 says that operations do; undefined when an answer is impossible. */
export const model = {
  put:
    (text: string, id: string) =>
    (key: ModelKey): ModelKey | undefined =>
      fits(key, id) ? { ...key, versions: [{ id, text }, ...withoutNullUnless(key)] } : undefined,
  delete:
    (answer: { readonly versionId: string | undefined; readonly deleteMarker: boolean }) =>
    (key: ModelKey): ModelKey | undefined => {
      const { versionId: id, deleteMarker } = answer
      if (key.mode === undefined) {
        return !deleteMarker && (id === undefined) === (key.versions.length === 0)
          ? { ...key, versions: [] }
          : undefined
      }
      if (!deleteMarker || id === undefined || !fits(key, id)) return undefined
      return { ...key, versions: [{ id, text: undefined }, ...withoutNullUnless(key)] }
    },
  deleteVersion:
    (id: string, answer: { readonly deleteMarker: boolean }) =>
    (key: ModelKey): ModelKey | undefined => {
      const found = key.versions.find((version) => version.id === id)
      const wasMarker = found !== undefined && found.text === undefined
      if (answer.deleteMarker !== wasMarker) return undefined
      return { ...key, versions: key.versions.filter((version) => version.id !== id) }
    },
  setMode:
    (mode: Versioning) =>
    (key: ModelKey): ModelKey => ({ ...key, mode }),
  /** `text` undefined: there is nothing to read. */
  read:
    (text: string | undefined, id?: string) =>
    (key: ModelKey): ModelKey | undefined => {
      const version = id === undefined ? key.versions[0] : key.versions.find((each) => each.id === id)
      return version?.text === text ? key : undefined
    },
  list:
    (ids: readonly string[]) =>
    (key: ModelKey): ModelKey | undefined =>
      key.versions.map(({ id }) => id).join() === ids.join() ? key : undefined,
}

/** Only with versioning enabled does the null version stay when something comes upon it. */
const withoutNullUnless = ({ mode, versions }: ModelKey): readonly ModelVersion[] =>
  mode === 'Enabled' ? versions : withoutNull(versions)

export const nameOf = ({ mode, versions }: ModelKey): string =>
  `${mode} ${versions.map(({ id, text }) => `${id}=${text}`).join()}`
