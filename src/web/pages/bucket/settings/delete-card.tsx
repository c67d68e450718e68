import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../../client/api-error.ts'
import type { BucketFacts } from '../../../client/bucket-facts.ts'
import { deleteBucket } from '../../../client/s3.ts'
import { counted } from '../../../format.ts'
import { Button } from '../../../parts/button.tsx'
import { Card } from '../../../parts/card.tsx'
import { CliHint } from '../../../parts/cli-hint.tsx'
import { Dialog } from '../../../parts/dialog.tsx'
import { ErrorState } from '../../../parts/error-state.tsx'
import { Field } from '../../../parts/field.tsx'
import { toast } from '../../../parts/toast.tsx'
import { href, navigate } from '../../../router.ts'

export function DeleteCard({ facts, refusal }: { readonly facts: BucketFacts; readonly refusal: string | undefined }) {
  const { name: bucket, usage } = facts
  const [isOpen, setOpen] = useState(false)
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const isFull = usage !== undefined && usage.objects > 0
  const remove = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      await deleteBucket(bucket)
      toast(`${bucket} was deleted`)
      navigate(href(['buckets']))
    } catch (cause) {
      setError(toApiError(cause))
      setBusy(false)
    }
  }
  return (
    <Card title="Delete the bucket">
      <div class="row wrap">
        <p class="small">
          {isFull
            ? `There are ${counted(usage.objects, 'object')} in it, earlier versions counted. Delete them first.`
            : 'Only an empty bucket can be deleted. Its name becomes free.'}
        </p>
        <span class="end">
          <Button
            kind="danger"
            icon="trash"
            disabledBecause={refusal ?? (isFull ? 'The bucket is not empty' : undefined)}
            onClick={() => setOpen(true)}
          >
            Delete bucket…
          </Button>
        </span>
      </div>
      {isOpen && (
        <Dialog
          title={`Delete ${bucket}?`}
          onClose={() => setOpen(false)}
          footer={
            <>
              <Button onClick={() => setOpen(false)}>Cancel</Button>
              <Button
                kind="destroy"
                isBusy={isBusy}
                disabledBecause={typed === bucket ? undefined : 'Type the name'}
                onClick={() => void remove()}
              >
                Delete bucket
              </Button>
            </>
          }
        >
          <p>Its policy, rules and tags go with it. Anybody may take the name afterwards.</p>
          <Field label={`Type ${bucket} to confirm`} value={typed} onInput={setTyped} hasFocus isCode />
          {error && <ErrorState title="It was not deleted." error={error} />}
          <CliHint command={`aws s3 rb s3://${bucket}`} />
        </Dialog>
      )}
    </Card>
  )
}
