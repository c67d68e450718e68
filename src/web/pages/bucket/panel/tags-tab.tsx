import { getTags, putTags } from '../../../client/s3.ts'
import { Loaded } from '../../../parts/loaded.tsx'
import { TagEditor } from '../../../parts/tag-editor.tsx'
import { useLoad } from '../../../use-load.ts'
import { useBucketRights } from '../../../use-rights.ts'

export interface TagsTabProps {
  readonly bucket: string
  readonly objectKey: string
  readonly versionId: string | undefined
}

export function TagsTab({ bucket, objectKey, versionId }: TagsTabProps) {
  const read = () => getTags(bucket, objectKey, versionId)
  const tags = useLoad(read, [bucket, objectKey, versionId])
  const missing = useBucketRights(bucket, ['s3:PutObjectTagging'], objectKey)
  return (
    <Loaded load={tags} failed="The tags could not be read." skeletonRows={2}>
      {(value) => (
        <TagEditor
          tags={value}
          read={read}
          disabledBecause={missing('s3:PutObjectTagging')}
          onSave={(wanted) => putTags(wanted, bucket, objectKey, versionId)}
        />
      )}
    </Loaded>
  )
}
