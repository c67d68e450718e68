import { useEffect, useRef, useState } from 'preact/hooks'
import { useStore } from '../client/store.ts'
import { counted, formatBytes } from '../format.ts'
import { Button, IconButton } from '../parts/button.tsx'
import { TrayItem } from './tray-item.tsx'
import { isUnderWay, type UploadView, uploads } from './upload-list.ts'
import { clearDone, pause, resume } from './uploader.ts'

export function Tray() {
  const all = useStore(uploads)
  const [isOpen, setOpen] = useState(true)
  const pace = usePace(all)
  const going = all.filter(isUnderWay)
  const isPaused = going.length === 0 && all.some(({ state }) => state === 'paused')
  const done = all.filter(({ state }) => state === 'done').length
  const total = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const sent = all.reduce((sum, one) => sum + (one.state === 'done' ? one.sizeBytes : one.sentBytes), 0)
  const title =
    going.length > 0
      ? `Uploading ${Math.min(done + 1, all.length)} of ${all.length}`
      : done === all.length
        ? `${counted(done, 'upload')} done`
        : 'Uploads'
  return (
    <section class="card tray" aria-label="Uploads">
      <div class="tray-head">
        <b role="status">{title}</b>
        <span class="muted small number">
          {formatBytes(sent)} of {formatBytes(total)}
          {going.length > 0 && pace > 0 && `, ${formatBytes(pace)}/s, ${secondsText((total - sent) / pace)} left`}
        </span>
        <span class="end row">
          {done > 0 && (
            <Button isSmall kind="ghost" onClick={clearDone}>
              Clear done
            </Button>
          )}
          {going.some(({ state }) => state !== 'checking') && (
            <IconButton icon="pause" label="Pause all" onClick={() => pauseAll(going)} />
          )}
          {isPaused && <IconButton icon="play" label="Resume all" onClick={() => resumeAll(all)} />}
          <IconButton
            icon={isOpen ? 'chevron' : 'chevronRight'}
            label={isOpen ? 'Collapse' : 'Expand'}
            onClick={() => setOpen(!isOpen)}
          />
        </span>
      </div>
      {isOpen && (
        <ul class="tray-items">
          {inOrder(all).map((one) => (
            <TrayItem key={one.id} upload={one} />
          ))}
        </ul>
      )}
    </section>
  )
}

const pauseAll = (all: readonly UploadView[]): void => {
  for (const { id } of all) pause(id)
}

const resumeAll = (all: readonly UploadView[]): void => {
  for (const { id, state } of all) if (state === 'paused') void resume(id)
}

const MOST_SHOWN = 60
const RANK = { failed: 0, 'needs-file': 1, running: 2, checking: 2, paused: 3, waiting: 4, done: 5 } as const

/** What needs somebody comes first; of thousands, the first few. */
const inOrder = (all: readonly UploadView[]): readonly UploadView[] =>
  [...all].sort((one, other) => RANK[one.state] - RANK[other.state]).slice(0, MOST_SHOWN)

const SAMPLE_MS = 1000
/** So long without a byte, and nobody can say how long it takes. */
const STILL_SAMPLES = 5

/** Bytes a second, smoothed; 0 while nothing moves. */
function usePace(all: readonly UploadView[]): number {
  const [pace, setPace] = useState(0)
  const latest = useRef(all)
  latest.current = all
  useEffect(() => {
    const sentOf = (): number => latest.current.reduce((sum, { sentBytes }) => sum + sentBytes, 0)
    let before = sentOf()
    let still = 0
    const timer = setInterval(() => {
      const now = sentOf()
      const last = Math.max(0, now - before) / (SAMPLE_MS / 1000)
      before = now
      still = last === 0 ? still + 1 : 0
      const isStill = still >= STILL_SAMPLES
      setPace((known) => (isStill ? 0 : known === 0 ? last : 0.7 * known + 0.3 * last))
    }, SAMPLE_MS)
    return () => clearInterval(timer)
  }, [])
  return pace
}

function secondsText(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}
