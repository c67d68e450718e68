import { ApiError, toApiError } from '../../client/api-error.ts'
import { createBucket, getVersioning, headBucket, putVersioning } from '../../client/s3.ts'

export interface NewBucket {
  readonly name: string
  readonly instanceCrn: string
  readonly locationConstraint: string | undefined
  readonly isVersioned: boolean
  readonly isLocked: boolean
  readonly rootKey: { readonly crn: string; readonly label: string } | undefined
}

export interface Refusal {
  /** Where on the page it is told. */
  readonly of: 'name' | 'key' | 'form'
  readonly message: string
  readonly error: ApiError
}

export interface Created {
  /** What could not be done of it, though the bucket is there. */
  readonly problem: string | undefined
}

/** Makes the bucket, then reads what there is now. Throws a `Refusal`: then there is none. */
export async function create(wanted: NewBucket): Promise<Created> {
  const { name, instanceCrn, locationConstraint, isLocked, isVersioned, rootKey } = wanted
  // S3 answers 200 for a bucket of one's own: what another person just made would be changed here.
  if (await isThere(name)) throw taken(new ApiError({ code: 'BucketAlreadyOwnedByYou', status: 409, message: '' }))
  try {
    await createBucket({
      ...{ bucket: name, instanceCrn, objectLock: isLocked },
      ...(locationConstraint === undefined ? {} : { locationConstraint }),
      ...(rootKey === undefined ? {} : { rootKeyCrn: rootKey.crn }),
    })
  } catch (error) {
    throw refusalOf(toApiError(error), wanted)
  }
  try {
    if (isVersioned && !isLocked) await putVersioning(name, 'Enabled')
    const [head, versioning] = await Promise.all([headBucket(name), getVersioning(name)])
    if (rootKey && head.get('ibm-sse-kp-enabled') !== 'true')
      return { problem: 'The bucket is there, but it says nothing of the root key. Look at its encryption.' }
    if (isVersioned && versioning !== 'Enabled') return { problem: 'The bucket is there, but versioning is off.' }
    return { problem: undefined }
  } catch (error) {
    return { problem: `The bucket is there, but not all of it could be set: ${toApiError(error).message}` }
  }
}

const isThere = (name: string): Promise<boolean> =>
  headBucket(name).then(
    () => true,
    () => false,
  )

const taken = (error: ApiError): Refusal => ({
  ...{ of: 'name', message: 'Somebody took that name a moment ago. Choose another one.', error },
})

function refusalOf(error: ApiError, { rootKey }: NewBucket): Refusal {
  const { code, message, status } = error
  if (code === 'BucketAlreadyExists' || code === 'BucketAlreadyOwnedByYou') return taken(error)
  if (code === 'InvalidBucketName') return { of: 'name', message, error }
  if (rootKey && /not active|disabled/i.test(message))
    return { of: 'key', message: `${rootKey.label} was disabled a moment ago. Choose another key.`, error }
  if (rootKey && /Key CRN could not be found/i.test(message))
    return {
      of: 'key',
      message: `${rootKey.label} cannot be used: it was deleted a moment ago, or nothing authorizes its use. Choose another key, or look at the authorization below.`,
      error,
    }
  if (rootKey && (status === 503 || code.startsWith('KMS.')))
    return { of: 'key', message: `${rootKey.label} did not answer: ${message}`, error }
  return { of: 'form', message, error }
}
