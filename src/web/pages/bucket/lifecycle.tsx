import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import { getLifecycle, type LifecycleRule, putLifecycle } from '../../client/lifecycle.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Table } from '../../parts/table.tsx'
import { toast } from '../../parts/toast.tsx'
import { useLoad } from '../../use-load.ts'
import { useBucketRights } from '../../use-rights.ts'
import type { PageProps } from '../page.ts'
import { BucketFrame, useBucket } from './frame.tsx'
import { NewRuleDialog } from './new-rule.tsx'

export function Page({ params: { bucket = '' } }: PageProps) {
  const facts = useBucket(bucket)
  return (
    <BucketFrame bucket={bucket} tab="lifecycle" facts={facts}>
      {() => <Rules bucket={bucket} />}
    </BucketFrame>
  )
}

function Rules({ bucket }: { readonly bucket: string }) {
  const rules = useLoad((signal) => getLifecycle(bucket, signal), [bucket], { topics: ['buckets'] })
  const [isMaking, setMaking] = useState(false)
  const [error, setError] = useState<ApiError>()
  const save = async (
    change: (rules: readonly LifecycleRule[]) => readonly Pick<LifecycleRule, 'xml'>[],
    done: string,
  ): Promise<void> => {
    setError(undefined)
    // S3 takes all of them at once: those that others made since they were read here stay.
    await putLifecycle(bucket, change(await getLifecycle(bucket)))
    rules.reload()
    toast(done)
  }
  const noRight = useBucketRights(bucket, ['s3:PutLifecycleConfiguration'])('s3:PutLifecycleConfiguration')
  const add = (
    <Button kind="primary" icon="plus" disabledBecause={noRight} onClick={() => setMaking(true)}>
      Add a rule
    </Button>
  )
  return (
    <div class="stack">
      {error && <ErrorState title="The rule could not be deleted." error={error} />}
      <Loaded load={rules} failed="The rules could not be read.">
        {(all) => (
          <Card title="Rules" isFlush actions={all.length > 0 && add}>
            {all.length === 0 ? (
              <EmptyState title="No rules yet" text="A rule deletes by age what nobody needs any more." action={add} />
            ) : (
              <Table
                label="Rules"
                rows={all}
                keyOf={({ id, xml }) => id || xml}
                columns={[
                  { id: 'id', title: 'Rule', cell: ({ id }) => <b>{id || '–'}</b> },
                  { id: 'filter', title: 'About', cell: ({ filter }) => filter },
                  { id: 'actions', title: 'Does', cell: ({ actions }) => actions.join('; ') },
                  {
                    id: 'state',
                    title: 'State',
                    cell: ({ isEnabled }) => (
                      <Chip isSmall tone={isEnabled ? 'ok' : 'plain'}>
                        {isEnabled ? 'On' : 'Off'}
                      </Chip>
                    ),
                  },
                  {
                    id: 'remove',
                    title: 'Delete',
                    isUntitled: true,
                    cell: (rule) => (
                      <Button
                        isSmall
                        kind="danger"
                        icon="trash"
                        disabledBecause={noRight}
                        onClick={() =>
                          void save((now) => now.filter(({ xml }) => xml !== rule.xml), 'The rule was deleted').catch(
                            (cause: unknown) => setError(toApiError(cause)),
                          )
                        }
                      >
                        Delete
                      </Button>
                    ),
                  },
                ]}
              />
            )}
          </Card>
        )}
      </Loaded>
      <CliHint command={`coffer bucket lifecycle get ${bucket}`} />
      {isMaking && (
        <NewRuleDialog
          onClose={() => setMaking(false)}
          onSave={async (xml) => {
            await save((now) => [...now, { xml }], 'The rule was added')
            setMaking(false)
          }}
        />
      )}
    </div>
  )
}
