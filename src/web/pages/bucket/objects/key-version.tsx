import { useEffect, useState } from 'preact/hooks'
import { type EnvelopeFacts, getEnvelope } from '../../../client/bucket-admin.ts'
import { Chip } from '../../../parts/chip.tsx'

export interface KeyVersionProps {
  readonly bucket: string
  readonly objectKey: string
  readonly versionId: string | undefined
  readonly etag: string
  readonly newest: number | undefined
  readonly isLocked: boolean
  readonly isCustomerManaged: boolean
}

const known = new Map<string, EnvelopeFacts | 'unknown'>()
const MOST_KNOWN = 5000
const REST_MS = 180

/** The version of the root key that an object's data key is under: asked of what is looked at, and not of what is scrolled past. */
export function KeyVersion(props: KeyVersionProps) {
  const { bucket, objectKey, versionId, etag, newest, isLocked, isCustomerManaged } = props
  const name = [bucket, objectKey, versionId ?? '', etag, newest ?? ''].join('\n')
  const [facts, setFacts] = useState(known.get(name))
  useEffect(() => {
    setFacts(known.get(name))
    if (known.has(name)) return undefined
    const controller = new AbortController()
    const timer = setTimeout(() => {
      void getEnvelope(bucket, objectKey, versionId, controller.signal)
        .catch(() => 'unknown' as const)
        .then((found) => {
          if (controller.signal.aborted) return
          if (known.size > MOST_KNOWN) known.clear()
          known.set(name, found)
          setFacts(found)
        })
    }, REST_MS)
    return () => {
      clearTimeout(timer)
      controller.abort()
    }
  }, [name])
  if (facts === undefined) return <span class="muted">…</span>
  if (facts === 'unknown') return <span class="muted">–</span>
  if (!isCustomerManaged || facts.encryption === 'provider-managed') {
    return (
      <Chip isSmall tone="ct" title="Under the store’s own root key">
        Provider
      </Chip>
    )
  }
  const number = facts.rootKeyVersion?.number
  const label = facts.rootKey?.aliases?.[0] ?? facts.rootKey?.name ?? 'root key'
  const isOld = number !== undefined && newest !== undefined && number < newest
  return (
    <Chip
      isSmall
      tone={isLocked ? 'bad' : isOld ? 'warn' : 'brass'}
      icon={isLocked ? 'lock' : 'key'}
      title={`Wrapped under ${label}${number === undefined ? '' : ` v${number}`}`}
    >
      {number === undefined ? label : `v${number}`}
    </Chip>
  )
}
