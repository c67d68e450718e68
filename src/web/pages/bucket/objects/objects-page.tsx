import { useState } from 'preact/hooks'
import { objectsHref } from '../../../links.ts'
import { Button } from '../../../parts/button.tsx'
import { navigate } from '../../../router.ts'
import { useBucketRights } from '../../../use-rights.ts'
import type { PageProps } from '../../page.ts'
import { BucketFrame, useBucket } from '../frame.tsx'
import { NewFolder } from './new-folder.tsx'
import { ObjectsTab } from './objects-tab.tsx'
import { UploadMenu } from './upload-menu.tsx'

export function Page({ params }: PageProps) {
  const { bucket = '', prefix = '' } = params
  const facts = useBucket(bucket)
  const [isMaking, setMaking] = useState(false)
  const missing = useBucketRights(bucket, ['s3:PutObject'], `${prefix}*`)
  const refusal = facts.value?.lock ? 'The bucket is locked: nothing can be written' : missing('s3:PutObject')
  return (
    <>
      <BucketFrame
        bucket={bucket}
        tab="objects"
        facts={facts}
        actions={
          <>
            <Button icon="folder" disabledBecause={refusal} onClick={() => setMaking(true)}>
              New folder
            </Button>
            <UploadMenu bucket={bucket} prefix={prefix} refusal={refusal} />
          </>
        }
      >
        {(value) => <ObjectsTab facts={value} prefix={prefix} refusal={refusal} />}
      </BucketFrame>
      {isMaking && (
        <NewFolder
          bucket={bucket}
          prefix={prefix.slice(0, prefix.lastIndexOf('/') + 1)}
          onClose={() => setMaking(false)}
          onDone={(made) => {
            setMaking(false)
            navigate(objectsHref(bucket, made))
          }}
        />
      )}
    </>
  )
}
