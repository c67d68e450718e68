import { useRef } from 'preact/hooks'
import { formatBytes, formatPercent } from '../format.ts'
import { objectsHref } from '../links.ts'
import { Button, IconButton } from '../parts/button.tsx'
import { Copy } from '../parts/copy.tsx'
import { Icon } from '../parts/icon.tsx'
import { Meter, PartsMeter } from '../parts/meter.tsx'
import type { UploadView } from './upload-list.ts'
import { pause, remove, resume } from './uploader.ts'

export function TrayItem({ upload }: { readonly upload: UploadView }) {
  const { id, name, bucket, key, state, parts, sizeBytes, sentBytes } = upload
  const slash = key.lastIndexOf('/') + 1
  return (
    <li class="tray-item">
      <div class="tray-name">
        <a class="ellipsis strong" href={objectsHref(bucket, key.slice(0, slash), key.slice(slash))}>
          {name}
        </a>
        <span class="muted number">
          {state === 'done' ? <Icon name="check" size="small" /> : formatPercent(sentBytes, sizeBytes)}
        </span>
        <PauseOrResume upload={upload} />
        {state !== 'done' && state !== 'checking' && (
          <IconButton isSmall icon="close" label={`Cancel ${name}`} onClick={() => void remove(id)} />
        )}
      </div>
      {parts && state !== 'done' ? (
        <PartsMeter label={name} parts={parts} />
      ) : (
        <Meter
          label={name}
          value={state === 'done' ? 1 : sentBytes}
          max={state === 'done' ? 1 : sizeBytes}
          tone={state === 'done' ? 'ok' : state === 'failed' ? 'bad' : 'dek'}
        />
      )}
      <TrayText upload={upload} />
    </li>
  )
}

/** One button, so that whoever pressed it by keyboard is still at it. */
function PauseOrResume({ upload: { id, name, state } }: { readonly upload: UploadView }) {
  const [canPause, canResume] = [state === 'running' || state === 'waiting', state === 'paused' || state === 'failed']
  if (!canPause && !canResume) return null
  return (
    <IconButton
      isSmall
      icon={canPause ? 'pause' : 'play'}
      label={`${canPause ? 'Pause' : 'Resume'} ${name}`}
      onClick={() => (canPause ? pause(id) : void resume(id))}
    />
  )
}

function TrayText({ upload }: { readonly upload: UploadView }) {
  const { id, name, state, parts, problem, checksum, sealedBy, sizeBytes, sentBytes } = upload
  const input = useRef<HTMLInputElement>(null)
  if (state === 'done')
    return (
      <span class="tiny ok-text">
        Stored{sealedBy === undefined ? '' : `, sealed with ${sealedBy}`}
        {checksum !== undefined && (
          <>
            {' · '}
            <code>CRC32 {checksum}</code> <Copy text={checksum} label="Copy the checksum" />
          </>
        )}
      </span>
    )
  if (state === 'needs-file')
    return (
      <span class="tiny row wrap">
        <span>{problem}</span>
        <Button isSmall onClick={() => input.current?.click()}>
          Choose file
        </Button>
        <input
          ref={input}
          type="file"
          hidden
          aria-label={`The file of ${name}`}
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? []
            event.currentTarget.value = ''
            if (file) void resume(id, file)
          }}
        />
      </span>
    )
  if (state === 'failed') return <span class="tiny bad-text">{problem}</span>
  const partsDone = parts?.filter((part) => part === 'done').length
  const where = parts
    ? `${partsDone} of ${parts.length} parts stored, resumes after a reload`
    : `${formatBytes(sentBytes)} of ${formatBytes(sizeBytes)}`
  const words = { paused: problem ?? 'Paused', waiting: 'Waiting', checking: 'Reading what is stored…', running: '' }[
    state
  ]
  return <span class="tiny muted">{[words, where].filter((word) => word !== '').join(' · ')}</span>
}
