import { readXmlBody } from '../checksum-headers.ts'
import { TRANSITION_MINIMUM, wantedMinimum } from '../lifecycle/minimum.ts'
import { readLifecycle } from '../lifecycle/read-configuration.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

const MAX_BODY_BYTES = 4 * 1024 * 1024

export const putBucketLifecycleConfiguration = defineOperation({
  name: 'PutBucketLifecycleConfiguration',
  method: 'PUT',
  on: 'bucket',
  query: { lifecycle: true },
  action: 's3:PutLifecycleConfiguration',
  parse: (request) => ({ name: bucketTarget(request), minimum: wantedMinimum(request) }),
  run: async ({ name, minimum }, { objects, request, body, settings }) => {
    const bucket = objects.buckets.get(name)
    const document = await readXmlBody(request, body, { maxBytes: MAX_BODY_BYTES, required: true })
    const configuration = readLifecycle(document, settings.storageClasses)
    await objects.changeDocument(bucket, 'lifecycle', () => ({
      ...configuration,
      ...(minimum === undefined ? {} : { transitionMinimum: minimum }),
    }))
    return { status: 200, headers: { [TRANSITION_MINIMUM]: minimum, 'content-length': 0 } }
  },
})
