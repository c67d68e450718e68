import { createStore } from '../client/store.ts'

export type PartState = 'done' | 'running' | 'waiting'

/**
 * `waiting`: its turn has not come. `paused`: by somebody, or because the connection was lost. `needs-file`: begun before
 * the page was loaded, and the file has to be chosen again. `checking`: it is there, and what is stored is read.
 */
export type UploadState = 'waiting' | 'running' | 'paused' | 'needs-file' | 'checking' | 'done' | 'failed'

export interface UploadView {
  readonly id: string
  readonly bucket: string
  readonly key: string
  readonly name: string
  readonly sizeBytes: number
  readonly sentBytes: number
  readonly state: UploadState
  /** Of an upload in parts. */
  readonly parts: readonly PartState[] | undefined
  /** Why it failed, or waits. */
  readonly problem: string | undefined
  /** CRC-32 that was computed here and that the server has, too. */
  readonly checksum: string | undefined
  /** What sealed it: `finance-root v3`. */
  readonly sealedBy: string | undefined
}

/** Of this page, the newest last. It outlives pages of the console. */
export const uploads = createStore<readonly UploadView[]>([])

export const changeUpload = (id: string, changes: Partial<UploadView>): void =>
  uploads.set(uploads.get().map((one) => (one.id === id ? { ...one, ...changes } : one)))

export const uploadOf = (id: string): UploadView | undefined => uploads.get().find((one) => one.id === id)

export const isUnderWay = ({ state }: UploadView): boolean =>
  state === 'running' || state === 'waiting' || state === 'checking'
