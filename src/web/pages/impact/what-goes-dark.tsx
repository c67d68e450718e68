import { counted, formatBytes } from '../../format.ts'
import { bucketHref } from '../../links.ts'
import { Icon } from '../../parts/icon.tsx'
import type { DarkBucket } from './impact.ts'
import { treemap } from './treemap.ts'

export interface WhatGoesDarkProps {
  readonly title?: string
  readonly buckets: readonly DarkBucket[]
  /** Further ones, that may not be seen. */
  readonly hidden?: number
  /** Nothing goes dark: said in its place. */
  readonly nothing: string
}

const MOST_TILES = 7

/** Buckets by what they hold: the larger the tile, the more goes dark. */
export function WhatGoesDark({ title = 'What goes dark', buckets, hidden = 0, nothing }: WhatGoesDarkProps) {
  const shown = buckets.slice(0, MOST_TILES)
  const rest = buckets.length - shown.length
  const tiles = treemap(shown.map(({ bytes }) => bytes ?? 0))
  return (
    <section>
      <div class="impact-head">
        <h3>{title}</h3>
        <span class="muted small">{sumOf(buckets)}</span>
      </div>
      {buckets.length + hidden === 0 ? (
        <p class="muted">{nothing}</p>
      ) : (
        <ul class="treemap" aria-label={title}>
          {shown.map((bucket, index) => (
            <li key={bucket.name} class="hatched" style={{ ...tiles[index] }}>
              <a href={bucketHref(bucket.name)}>
                <Icon name="lock" size="small" />
                <b>{bucket.name}</b>
              </a>
              <span class={index === 0 ? 'treemap-size first' : 'treemap-size'}>
                {bucket.bytes === undefined ? 'size not known' : formatBytes(bucket.bytes)}
              </span>
              {bucket.objects !== undefined && <span class="tiny">{counted(bucket.objects, 'object')}</span>}
            </li>
          ))}
        </ul>
      )}
      {hidden > 0 && <p class="muted small">and {counted(hidden, 'bucket')} that you may not see</p>}
      {rest > 0 && <p class="muted small">and {counted(rest, 'smaller bucket')}</p>}
    </section>
  )
}

function sumOf(buckets: readonly DarkBucket[]): string {
  const sum = (of: 'objects' | 'bytes') => buckets.reduce((total, bucket) => total + (bucket[of] ?? 0), 0)
  const isKnown = buckets.every(({ bytes }) => bytes !== undefined)
  return [
    counted(buckets.length, 'bucket'),
    ...(isKnown && buckets.length > 0 ? [counted(sum('objects'), 'object'), formatBytes(sum('bytes'))] : []),
  ].join(', ')
}
