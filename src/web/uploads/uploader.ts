import { toApiError } from '../client/api-error.ts'
import { getEnvelope } from '../client/bucket-admin.ts'
import { announceChange } from '../client/changes.ts'
import { abortUpload } from '../client/multipart.ts'
import { headObject } from '../client/s3.ts'
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
import { partBytesOf, sendParts, sendWhole, WHOLE_BYTES } from './send-file.ts'
import { createTurns } from './turns.ts'
import { changeUpload, isUnderWay, type UploadView, uploadOf, uploads } from './upload-list.ts'

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
}

const FILES_AT_ONCE = 3
const files = createTurns(FILES_AT_ONCE)
const running = new Map<string, Running>()

export function addUploads(bucket: string, prefix: string, given: readonly FileToUpload[]): void {
  const added = given.map(({ file, path, handle }): UploadView => {
    const id = crypto.getRandomValues(new Uint32Array(3)).join('-')
    running.set(id, { file, kept: undefined, stop: new AbortController() })
    if (handle && file.size > WHOLE_BYTES) void keepHandle(id, handle)
    const isInParts = file.size > WHOLE_BYTES
    const count = Math.ceil(file.size / partBytesOf(file.size))
    return {
      ...{ id, bucket, key: prefix + path, name: path, sizeBytes: file.size, sentBytes: 0, state: 'waiting' },
      parts: isInParts ? Array.from({ length: count }, () => 'waiting') : undefined,
      ...{ problem: undefined, checksum: undefined, sealedBy: undefined },
    }
  })
  uploads.set([...uploads.get(), ...added])
  for (const { id } of added) void run(id)
}

/** Those that an earlier page began and did not end. */
export async function findKeptUploads(): Promise<void> {
  for (const kept of keptUploads()) {
    if (uploadOf(kept.id)) continue
    running.set(kept.id, { file: undefined, kept, stop: new AbortController() })
    const handle = await keptHandle(kept.id)
    const { id, bucket, key, sizeBytes, fileName } = kept
    const count = Math.ceil(sizeBytes / kept.partBytes)
    uploads.set([
      ...uploads.get(),
      {
        ...{ id, bucket, key, name: fileName, sizeBytes, sentBytes: 0, state: handle ? 'paused' : 'needs-file' },
        parts: Array.from({ length: count }, () => 'waiting'),
        problem: handle ? undefined : 'Choose the same file again to go on',
        ...{ checksum: undefined, sealedBy: undefined },
      },
    ])
  }
}

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
  uploads.set(uploads.get().filter((one) => one.id !== id))
  if (known?.kept) await abortUpload(known.kept).catch(() => undefined)
}

/** Of whoever left: nothing of theirs is sent any more, or shown. What the server has of it stays there. */
export function leaveAll(): void {
  for (const [id, { stop }] of running) {
    stop.abort(new DOMException('left', 'AbortError'))
    void dropHandle(id)
  }
  running.clear()
  uploads.set([])
}

export const clearDone = (): void => uploads.set(uploads.get().filter(({ state }) => state !== 'done'))

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
          })
        : await sendWhole({ ...options, onProgress: (sentBytes) => changeUpload(id, { sentBytes }) })
    changeUpload(id, { state: 'checking', sentBytes: file.size })
    await check(id, checksum)
    forget(id)
    announce(`${view.name} is stored`)
    announceSoon()
  } catch (error) {
    if (signal.aborted) return
    const { message, code } = toApiError(error)
    const isLost = code === 'Unreachable' || code === 'NoSession'
    changeUpload(id, { state: isLost ? 'paused' : 'failed', problem: isLost ? 'The connection was lost' : message })
    if (code === 'NoSuchUpload') {
      const { stop: last } = running.get(id) ?? { stop }
      running.set(id, { file, kept: undefined, stop: last })
      dropUpload(id)
    }
  } finally {
    leave?.()
  }
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

/** What the server says that it has is what was sent. Throws when it is not. */
async function check(id: string, checksum: string): Promise<void> {
  const view = uploadOf(id)
  if (!view) return
  const head = await headObject(view.bucket, view.key)
  const stored = head.get('x-amz-checksum-crc32')
  if (stored !== null && stored !== checksum)
    throw new Error(`The server has other bytes than were sent: CRC-32 ${stored}, not ${checksum}.`)
  const envelope = await getEnvelope(view.bucket, view.key).catch(() => undefined)
  const { rootKey, rootKeyVersion, encryption } = envelope ?? {}
  const label = rootKey?.aliases?.[0] ?? rootKey?.name
  const number = rootKeyVersion?.number
  changeUpload(id, {
    ...{ state: 'done', checksum: stored ?? undefined, problem: undefined },
    sealedBy:
      encryption === 'customer-managed' && label !== undefined
        ? `${label}${number === undefined ? '' : ` v${number}`}`
        : undefined,
  })
}

/** Whoever leaves loses what is not in parts: the browser asks them. */
window.addEventListener('beforeunload', (event) => {
  if (uploads.get().some((one) => isUnderWay(one) && one.parts === undefined)) event.preventDefault()
})
