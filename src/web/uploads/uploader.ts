import { type ApiError, toApiError } from '../client/api-error.ts'
import { getEnvelope } from '../client/bucket-admin.ts'
import { announceChange } from '../client/changes.ts'
import { connection } from '../client/connection.ts'
import { call, SESSION } from '../client/http.ts'
import { abortUpload, listParts } from '../client/multipart.ts'
import { announce } from '../parts/toast.tsx'
import {
  dropHandle,
  dropUpload,
  type KeptUpload,
  keepHandle,
  keepUpload,
  keptHandle,
  keptUploads,
  ownerNow,
} from './kept.ts'
import { partBytesOf, partsThatAre, sendParts, sendWhole, WHOLE_BYTES } from './send-file.ts'
import { openTabs } from './tabs.ts'
import { createTurns } from './turns.ts'
import {
  addUploadViews,
  changeUpload,
  dropUploadViews,
  isUnderWay,
  type UploadView,
  uploadOf,
  uploads,
} from './upload-list.ts'

export interface FileToUpload {
  readonly file: File
  /** With its folders, under the prefix. */
  readonly path: string
  readonly handle?: FileSystemFileHandle | undefined
}

interface Running {
  readonly file: File | undefined
  readonly kept: KeptUpload | undefined
  readonly stop: AbortController
  /** How often the connection was lost since it last came forward. */
  readonly losses: number
}

const FILES_AT_ONCE = 4
const files = createTurns(FILES_AT_ONCE)
const running = new Map<string, Running>()

export function addUploads(bucket: string, prefix: string, given: readonly FileToUpload[]): void {
  const added = given.map(({ file, path, handle }): UploadView => {
    const id = crypto.getRandomValues(new Uint32Array(3)).join('-')
    running.set(id, { file, kept: undefined, stop: new AbortController(), losses: 0 })
    if (handle && file.size > WHOLE_BYTES) void keepHandle(id, handle)
    const isInParts = file.size > WHOLE_BYTES
    const count = Math.ceil(file.size / partBytesOf(file.size))
    return {
      ...{ id, bucket, key: prefix + path, name: path, sizeBytes: file.size, sentBytes: 0, state: 'waiting' },
      parts: isInParts ? Array.from({ length: count }, () => 'waiting') : undefined,
      ...{ problem: undefined, checksum: undefined, sealedBy: undefined },
    }
  })
  addUploadViews(added)
  for (const { id } of added) void run(id)
}

/** Those that an earlier page began and did not end, and no other tab is at. */
export async function findKeptUploads(): Promise<void> {
  const found = keptUploads().filter(({ id }) => !running.has(id))
  if (found.length === 0) return
  const elsewhere = await tabs.atWork(found.map(({ id }) => id))
  const left = new Set(keptUploads().map(({ id }) => id))
  for (const kept of found) {
    const { id, bucket, key, sizeBytes, fileName } = kept
    if (running.has(id) || elsewhere.has(id) || !left.has(id)) continue
    running.set(id, { file: undefined, kept, stop: new AbortController(), losses: 0 })
    const handle = await keptHandle(id)
    const count = Math.ceil(sizeBytes / kept.partBytes)
    const view: UploadView = {
      ...{ id, bucket, key, name: fileName, sizeBytes, sentBytes: 0, state: handle ? 'paused' : 'needs-file' },
      parts: Array.from({ length: count }, () => 'waiting'),
      problem: handle ? undefined : 'Choose the same file again to go on',
      ...{ checksum: undefined, sealedBy: undefined },
    }
    addUploadViews([view])
    void showSent(kept)
  }
}

/** What the server has of it. One that it knows no more is over. */
async function showSent(kept: KeptUpload): Promise<void> {
  try {
    const { states, sentBytes } = partsThatAre(await listParts(kept), kept.sizeBytes, kept.partBytes)
    if (running.get(kept.id)?.file === undefined)
      changeUpload(kept.id, { parts: states, sentBytes: sentBytes.reduce((sum, bytes) => sum + bytes, 0) })
  } catch (error) {
    if (toApiError(error).code === 'NoSuchUpload') letGo(kept.id)
  }
}

/** It is shown here no more; what is known of it stays. */
function letGo(id: string): void {
  running.delete(id)
  dropUploadViews((view) => view.id === id)
}

const tabs = openTabs({
  has: (id) => running.get(id)?.file !== undefined,
  onTaken: (id) => {
    if (running.get(id)?.file === undefined) letGo(id)
  },
  onLeft: () => void findKeptUploads(),
})

export function pause(id: string): void {
  running.get(id)?.stop.abort(new DOMException('paused', 'AbortError'))
  changeUpload(id, { state: 'paused' })
}

/** `chosen`: the file, where it has to be chosen again. */
export async function resume(id: string, chosen?: File): Promise<void> {
  const known = running.get(id)
  if (!known) return
  const file = chosen ?? known.file ?? (await fileOfHandle(id))
  if (!file) return changeUpload(id, { state: 'needs-file', problem: 'Choose the same file again to go on' })
  const { kept } = known
  if (
    kept &&
    (file.size !== kept.sizeBytes || file.lastModified !== kept.lastModified || file.name !== baseName(kept.fileName))
  )
    return changeUpload(id, {
      state: 'needs-file',
      problem: `That is another file, or it was changed. Choose ${baseName(kept.fileName)} as it was.`,
    })
  running.set(id, { ...known, file, stop: new AbortController() })
  changeUpload(id, { state: 'waiting', problem: undefined })
  await run(id)
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

async function fileOfHandle(id: string): Promise<File | undefined> {
  const handle: (FileSystemFileHandle & { readonly requestPermission?: (of: object) => Promise<string> }) | undefined =
    await keptHandle(id)
  if (!handle) return undefined
  if (handle.requestPermission && (await handle.requestPermission({ mode: 'read' })) !== 'granted') return undefined
  return handle.getFile().catch(() => undefined)
}

/** What of it is there is taken away, too. */
export async function remove(id: string): Promise<void> {
  const known = running.get(id)
  known?.stop.abort(new DOMException('removed', 'AbortError'))
  forget(id)
  dropUploadViews((view) => view.id === id)
  if (known?.kept) await abortUpload(known.kept).catch(() => undefined)
}

/** Of whoever left: nothing of theirs is sent any more, or shown. What the server has of it stays there. */
export function leaveAll(): void {
  for (const [id, { stop }] of running) {
    stop.abort(new DOMException('left', 'AbortError'))
    void dropHandle(id)
  }
  running.clear()
  dropUploadViews(() => true)
}

export const clearDone = (): void => dropUploadViews(({ state }) => state === 'done')

function forget(id: string): void {
  running.delete(id)
  dropUpload(id)
  void dropHandle(id)
}

async function run(id: string): Promise<void> {
  const { file, kept, stop } = running.get(id) ?? {}
  const view = uploadOf(id)
  if (!file || !stop || !view) return
  const { signal } = stop
  const { bucket, key } = view
  let leave: (() => void) | undefined
  try {
    if (kept) tabs.tell(id)
    leave = await files.take(signal)
    changeUpload(id, { state: 'running' })
    const options = { bucket, key, file, signal }
    const checksum =
      file.size > WHOLE_BYTES
        ? await sendParts({
            ...options,
            partBytes: kept?.partBytes ?? partBytesOf(file.size),
            uploadId: kept?.uploadId,
            onBegun: (uploadId) => keepBegun(id, file, uploadId),
            onProgress: (sentBytes, parts) => changeUpload(id, { sentBytes, parts }),
            onPart: () => cameForward(id),
            onStored: () => changeUpload(id, { state: 'checking', sentBytes: file.size }),
          })
        : await sendWhole({ ...options, onProgress: (sentBytes) => changeUpload(id, { sentBytes }) })
    changeUpload(id, { state: 'done', sentBytes: file.size, checksum, problem: undefined })
    forget(id)
    announce(`${view.name} is stored`)
    announceSoon()
    if (running.size < FEW) void sealers.take(signal).then((done) => tellSealer(id).finally(done))
  } catch (error) {
    if (!signal.aborted) lost(id, file, toApiError(error))
  } finally {
    leave?.()
  }
}

function lost(id: string, file: File, { code, message }: ApiError): void {
  const known = running.get(id)
  if (!known) return
  const losses = known.losses + 1
  const isLost = code === 'NoSession' || (code === 'Unreachable' && losses <= MOST_LOSSES)
  changeUpload(id, { state: isLost ? 'paused' : 'failed', problem: isLost ? PROBLEM[code] : message })
  running.set(id, { ...known, losses })
  if (isLost) void goOnAgain(id, code, known.stop.signal, losses)
  if (code === 'NoSuchUpload') {
    running.set(id, { ...known, file, kept: undefined })
    dropUpload(id)
  }
}

const PROBLEM = {
  Unreachable: 'The connection was lost; it goes on when it is back',
  NoSession: 'The session has ended; it goes on when you have signed in again',
} as const
/** Of one that comes no further, and each time waits twice as long. */
const MOST_LOSSES = 8
const AGAIN_MS = 1000
const LONGEST_MS = 60_000

const cameForward = (id: string): void => {
  const known = running.get(id)
  if (known && known.losses > 0) running.set(id, { ...known, losses: 0 })
}

/** Unless somebody has done something about it meanwhile. */
async function goOnAgain(id: string, code: string, signal: AbortSignal, losses: number): Promise<void> {
  if (code === 'NoSession') {
    if (!(await isSignedIn())) return
  } else {
    await new Promise((resolve) => setTimeout(resolve, Math.min(LONGEST_MS, AGAIN_MS * 2 ** (losses - 1))))
    await reachable()
  }
  if (!signal.aborted && running.get(id)?.stop.signal === signal) await resume(id)
}

/** Waits until somebody is. */
const isSignedIn = (): Promise<boolean> =>
  call(SESSION).then(
    () => true,
    () => false,
  )

/** Whoever says that there are no answers asks again. */
async function reachable(): Promise<void> {
  if (connection.get().isReachable) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = connection.subscribe(({ isReachable }) => {
    if (isReachable) resolve()
  })
  await promise
  stop()
}

const ANNOUNCE_MS = 700
let isAnnouncing = false

/** Of thousands of files, what is shown is not read anew for each. */
function announceSoon(): void {
  if (isAnnouncing) return
  isAnnouncing = true
  setTimeout(() => {
    isAnnouncing = false
    announceChange('objects')
  }, ANNOUNCE_MS)
}

function keepBegun(id: string, file: File, uploadId: string): void {
  const view = uploadOf(id)
  const known = running.get(id)
  if (!view || !known) return
  const kept: KeptUpload = {
    ...{ id, owner: ownerNow() },
    ...{ bucket: view.bucket, key: view.key, uploadId, partBytes: known.kept?.partBytes ?? partBytesOf(file.size) },
    ...{ fileName: view.name, sizeBytes: file.size, lastModified: file.lastModified },
  }
  running.set(id, { ...known, kept })
  keepUpload(kept)
}

const sealers = createTurns(1)

/** Where more go, nobody reads of each what sealed it, and every one would wait for what is asked of the others. */
const FEW = 60

/** With what it was sealed. One after another, beside what is sent. */
async function tellSealer(id: string): Promise<void> {
  const view = uploadOf(id)
  if (!view) return
  const envelope = await getEnvelope(view.bucket, view.key).catch(() => undefined)
  const { rootKey, rootKeyVersion, encryption } = envelope ?? {}
  const label = rootKey?.aliases?.[0] ?? rootKey?.name
  if (encryption !== 'customer-managed' || label === undefined) return
  changeUpload(id, { sealedBy: `${label}${rootKeyVersion === undefined ? '' : ` v${rootKeyVersion.number}`}` })
}

/** Whoever leaves loses what is not in parts: the browser asks them. */
window.addEventListener('beforeunload', (event) => {
  if (uploads.get().some((one) => isUnderWay(one) && one.parts === undefined)) event.preventDefault()
})
