import { useEffect, useState } from 'preact/hooks'
import { ApiError, toApiError } from '../../../client/api-error.ts'
import { getQuota, putQuota } from '../../../client/quota.ts'
import { formatBytes } from '../../../format.ts'
import { Button } from '../../../parts/button.tsx'
import { Card } from '../../../parts/card.tsx'
import { ErrorState } from '../../../parts/error-state.tsx'
import { Field } from '../../../parts/field.tsx'
import { Loaded } from '../../../parts/loaded.tsx'
import { Meter } from '../../../parts/meter.tsx'
import { toast } from '../../../parts/toast.tsx'
import { useLoad } from '../../../use-load.ts'

export interface QuotaCardProps {
  readonly bucket: string
  /** Undefined: not for whoever is signed in to know. */
  readonly usedBytes: number | undefined
  readonly refusal: string | undefined
}

const GB = 1e9

/** How much the bucket may hold. */
export function QuotaCard({ bucket, usedBytes, refusal }: QuotaCardProps) {
  const quota = useLoad((signal) => getQuota(bucket, signal), [bucket])
  const [text, setText] = useState('')
  const [error, setError] = useState<ApiError>()
  const stored = quota.value ? String(quota.value / GB) : ''
  useEffect(() => setText(stored), [stored])
  const wanted = text.trim() === '' ? 0 : Number(text)
  const isGood = Number.isFinite(wanted) && wanted >= 0
  const save = async (event: Event): Promise<void> => {
    event.preventDefault()
    setError(undefined)
    try {
      const now = await getQuota(bucket)
      if (now !== quota.value) {
        quota.reload()
        const theirs = now === 0 ? 'none' : formatBytes(now)
        const message = `Somebody changed it meanwhile: ${theirs} is what it is now. Nothing was saved.`
        throw new ApiError({ code: 'ChangedMeanwhile', status: 412, message })
      }
      await putQuota(bucket, Math.round(wanted * GB))
      quota.reload()
      toast(wanted === 0 ? 'The bucket has no quota any more' : 'The quota was saved')
    } catch (cause) {
      setError(toApiError(cause))
    }
  }
  return (
    <Card title="Quota" note="Writes beyond it are refused">
      <Loaded load={quota} failed="The quota could not be read." skeletonRows={2}>
        {(bytes) => (
          <form class="stack tight" aria-label="Quota" onSubmit={(event) => void save(event)}>
            {bytes > 0 && usedBytes !== undefined && (
              <>
                <Meter
                  label="Of the quota is used"
                  value={usedBytes}
                  max={bytes}
                  tone={usedBytes > 0.9 * bytes ? 'warn' : 'dek'}
                />
                <span class="muted small number">
                  {formatBytes(usedBytes)} of {formatBytes(bytes)}
                </span>
              </>
            )}
            <Field
              label="At most"
              note="GB"
              value={text}
              onInput={setText}
              placeholder="no limit"
              hint="Nothing: as much as there is room for"
              error={isGood ? undefined : 'A number of gigabytes'}
            />
            {error && <ErrorState title="The quota was not changed." error={error} />}
            <div>
              <Button
                isSmall
                kind="primary"
                type="submit"
                disabledBecause={refusal}
                isDisabled={!isGood || text.trim() === stored}
              >
                Save
              </Button>
            </div>
          </form>
        )}
      </Loaded>
    </Card>
  )
}
