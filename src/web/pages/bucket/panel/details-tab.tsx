import type { ComponentChildren } from 'preact'
import { counted, formatBytes, formatExact } from '../../../format.ts'
import { Copy } from '../../../parts/copy.tsx'
import { Details } from '../../../parts/details.tsx'
import { Skeleton } from '../../../parts/skeleton.tsx'

export interface DetailsTabProps {
  readonly objectKey: string
  readonly head: Headers | undefined
}

const CHECKSUMS = ['crc64nvme', 'crc32c', 'crc32', 'sha256', 'sha1', 'md5'] as const

/** What HEAD says. */
export function DetailsTab({ objectKey, head }: DetailsTabProps) {
  if (!head) return <Skeleton rows={5} />
  const sizeBytes = Number(head.get('content-length') ?? 0)
  const metadata = [...head].filter(([name]) => name.startsWith('x-amz-meta-'))
  return (
    <Details
      items={[
        ['Key', code(objectKey)],
        [
          'Size',
          sizeBytes < 1000 ? counted(sizeBytes, 'byte') : `${formatBytes(sizeBytes)} (${counted(sizeBytes, 'byte')})`,
        ],
        ['Modified', formatExact(head.get('last-modified') ?? '')],
        ['Type', head.get('content-type') ?? '–'],
        ['ETag', code(head.get('etag') ?? '')],
        ...checksumOf(head),
        ...given('Version', head.get('x-amz-version-id'), code),
        ...given('Storage class', head.get('x-amz-storage-class') ?? 'STANDARD'),
        ...given('Encryption', head.get('x-amz-server-side-encryption')),
        ...given('Expires', head.get('x-amz-expiration')),
        ...given('Retention', head.get('x-amz-object-lock-mode'), (mode) => (
          <>
            {mode}, until {formatExact(head.get('x-amz-object-lock-retain-until-date') ?? '')}
          </>
        )),
        ...given('Legal hold', head.get('x-amz-object-lock-legal-hold')),
        ...given('Replication', head.get('x-amz-replication-status')),
        ...metadata.map(([name, value]) => [name.slice('x-amz-meta-'.length), value] as const),
      ]}
    />
  )
}

type Item = readonly [term: string, value: ComponentChildren]

const code = (text: string): ComponentChildren => (
  <span class="code-line">
    <code>{text}</code> <Copy text={text} />
  </span>
)

const given = (
  term: string,
  value: string | null,
  show: (value: string) => ComponentChildren = (text) => text,
): readonly Item[] => (value === null || value === '' ? [] : [[term, show(value)]])

function checksumOf(head: Headers): readonly Item[] {
  for (const name of CHECKSUMS) {
    const value = head.get(`x-amz-checksum-${name}`)
    if (value !== null) return [['Checksum', code(`${name.toUpperCase()} ${value}`)]]
  }
  return []
}
