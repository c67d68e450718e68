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

const views = new Map<string, UploadView>()
const SHOWN_EVERY_MS = 100
let [isResting, isStale] = [false, false]

/** At once, and then not again for a moment: of thousands of files, some change all the time. */
function show(): void {
  isStale = true
  if (isResting) return
  isStale = false
  isResting = true
  uploads.set([...views.values()])
  setTimeout(() => {
    isResting = false
    if (isStale) show()
  }, SHOWN_EVERY_MS)
}

export function addUploadViews(added: readonly UploadView[]): void {
  for (const view of added) views.set(view.id, view)
  show()
}

export function changeUpload(id: string, changes: Partial<UploadView>): void {
  const view = views.get(id)
  if (!view) return
  views.set(id, { ...view, ...changes })
  show()
}

export function dropUploadViews(isOver: (view: UploadView) => boolean): void {
  for (const view of views.values()) if (isOver(view)) views.delete(view.id)
  show()
}

export const uploadOf = (id: string): UploadView | undefined => views.get(id)

export const isUnderWay = ({ state }: UploadView): boolean =>
  state === 'running' || state === 'waiting' || state === 'checking'
