import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Icon } from '../../../parts/icon.tsx'
import { toast } from '../../../parts/toast.tsx'
import { filesOfDrop } from '../../../uploads/files-of.ts'

export interface DropZoneProps {
  readonly bucket: string
  readonly prefix: string
  /** Why nothing can be uploaded. */
  readonly refusal: string | undefined
  readonly children: ComponentChildren
}

/** The whole page takes files and folders while it is open. */
export function DropZone({ bucket, prefix, refusal, children }: DropZoneProps) {
  const [isOver, setOver] = useState(false)
  useEffect(() => {
    let depth = 0
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true
    const stop = new AbortController()
    const listeners: Readonly<Record<'dragenter' | 'dragleave' | 'dragover' | 'drop', (event: DragEvent) => void>> = {
      dragenter: (event) => {
        if (!hasFiles(event)) return
        depth++
        setOver(true)
      },
      dragleave: (event) => {
        if (hasFiles(event) && --depth <= 0) setOver(false)
      },
      dragover: (event) => {
        if (!hasFiles(event)) return
        event.preventDefault()
        if (event.dataTransfer) event.dataTransfer.dropEffect = refusal ? 'none' : 'copy'
      },
      drop: (event) => {
        if (!hasFiles(event) || !event.dataTransfer) return
        event.preventDefault()
        depth = 0
        setOver(false)
        if (refusal !== undefined) return toast(refusal, 'bad')
        const found = filesOfDrop(event.dataTransfer)
        void Promise.all([found, import('../../../uploads/uploader.ts')]).then(([files, { addUploads }]) =>
          addUploads(bucket, prefix, files),
        )
      },
    }
    for (const name of ['dragenter', 'dragleave', 'dragover', 'drop'] as const)
      document.addEventListener(name, listeners[name], { signal: stop.signal })
    return () => stop.abort()
  }, [bucket, prefix, refusal])
  return (
    <>
      {children}
      {isOver && (
        <div class="drop-over" aria-hidden="true">
          <Icon name={refusal ? 'lock' : 'upload'} size="large" />
          <b>{refusal ? 'This bucket is locked' : `Drop to upload into ${bucket}/${prefix}`}</b>
        </div>
      )}
    </>
  )
}
