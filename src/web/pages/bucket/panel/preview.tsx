import { call } from '../../../client/http.ts'
import { objectPath, previewPath } from '../../../client/s3-path.ts'
import { formatBytes } from '../../../format.ts'
import { Icon } from '../../../parts/icon.tsx'
import { useLoad } from '../../../use-load.ts'

export interface PreviewProps {
  readonly bucket: string
  readonly objectKey: string
  readonly versionId: string | undefined
  readonly head: Headers | undefined
  readonly isRefused: boolean
}

const PICTURE = /^image\/(png|jpeg|gif|webp)$/
const TEXT = /^(text\/(plain|csv|markdown)|application\/json)$/
const MOST_PICTURE_BYTES = 25_000_000
const TEXT_BYTES = 4096

/** Of what can do nothing but be looked at: pictures, PDF, the beginning of a text. */
export function Preview({ bucket, objectKey, versionId, head, isRefused }: PreviewProps) {
  const type = (head?.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const sizeBytes = Number(head?.get('content-length') ?? 0)
  const etag = head?.get('etag') ?? ''
  const source = previewPath(bucket, objectKey, versionId)
  if (isRefused) return <NoPreview icon="lock" text="Its contents are refused" />
  if (!head) return <NoPreview text="" />
  if (PICTURE.test(type) && sizeBytes <= MOST_PICTURE_BYTES)
    return (
      <div class="preview">
        <img key={etag} src={source} alt={`Preview of ${objectKey}`} />
        <Mark />
      </div>
    )
  if (type === 'application/pdf')
    return (
      <div class="preview">
        <object key={etag} data={source} type="application/pdf" aria-label={`Preview of ${objectKey}`}>
          <a href={source} target="_blank" rel="noreferrer">
            Open the preview
          </a>
        </object>
        <Mark />
      </div>
    )
  if (TEXT.test(type) && sizeBytes > 0) return <TextPreview {...{ bucket, objectKey, versionId, etag, sizeBytes }} />
  return <NoPreview text={sizeBytes === 0 ? 'It is empty' : `No preview of ${type || 'this type'}`} />
}

const Mark = () => (
  <span class="preview-mark">
    <Icon name="eye" size="small" />
    Decrypted preview
  </span>
)

export const NoPreview = ({
  text,
  icon = 'document',
}: {
  readonly text: string
  readonly icon?: 'document' | 'lock'
}) => (
  <div class="preview none">
    <Icon name={icon} size="large" />
    <span>{text}</span>
  </div>
)

interface TextPreviewProps {
  readonly bucket: string
  readonly objectKey: string
  readonly versionId: string | undefined
  readonly etag: string
  readonly sizeBytes: number
}

function TextPreview({ bucket, objectKey, versionId, etag, sizeBytes }: TextPreviewProps) {
  const text = useLoad(
    async (signal) => {
      const headers = { range: `bytes=0-${TEXT_BYTES - 1}` }
      return (await call(objectPath(bucket, objectKey), { query: { versionId }, headers, signal })).text()
    },
    [bucket, objectKey, versionId, etag],
  )
  if (text.error) return <NoPreview icon="lock" text={text.error.message} />
  return (
    <div class="preview text">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0} role="region" aria-label={`The beginning of ${objectKey}`}>
        {text.value ?? ''}
      </pre>
      <span class="preview-mark">
        <Icon name="eye" size="small" />
        Decrypted preview{sizeBytes > TEXT_BYTES ? `, the first ${formatBytes(TEXT_BYTES)}` : ''}
      </span>
    </div>
  )
}
