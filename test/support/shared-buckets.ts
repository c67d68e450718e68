import { CreateBucketCommand, PutBucketPolicyCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { mainAccount } from './bootstrap.ts'
import { startHouse, type TestHouse, type TestHouseOptions } from './house.ts'
import { otherAccount } from './other-account.ts'
import { sendPlain } from './send.ts'

/** A house with two accounts, and somebody who has none. */
export interface SharedHouse extends AsyncDisposable {
  readonly house: TestHouse
  readonly main: S3Client
  readonly other: S3Client
  /** `status code` of an unsigned request. */
  readonly anonymous: (
    method: string,
    target: string,
    body?: string,
    headers?: Record<string, string>,
  ) => Promise<string>
  /** A new bucket of the main account with the object `cat`. */
  readonly bucket: (options?: Partial<CreateBucketCommand['input']>) => Promise<string>
  /** Gives the bucket a policy: `*` in resources stands for its ARN. */
  readonly policy: (bucket: string, ...statements: readonly Readonly<Record<string, unknown>>[]) => Promise<unknown>
}

export async function startSharedHouse(
  defaults: 'aws' | 'classic',
  options: TestHouseOptions = {},
): Promise<SharedHouse> {
  const house = await startHouse({
    accounts: [mainAccount, otherAccount],
    ...options,
    settings: { COFFER_S3_BUCKET_DEFAULTS: defaults, ...options.settings },
  })
  const [main, other] = [house.client(), house.client(otherAccount)]
  let made = 0
  return {
    house,
    main,
    other,
    anonymous: async (method, target, body, headers = {}) => {
      const reply = await sendPlain(house.s3Url, { method, target, headers, ...(body === undefined ? {} : { body }) })
      return reply.code === '' ? String(reply.status) : `${reply.status} ${reply.code}`
    },
    bucket: async (options = {}) => {
      const name = `shared-${++made}`
      await main.send(new CreateBucketCommand({ ...options, Bucket: name }))
      await main.send(new PutObjectCommand({ Bucket: name, Key: 'cat', Body: 'meow' }))
      return name
    },
    policy: (bucket, ...statements) =>
      main.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: policyFor(bucket, ...statements) })),
    [Symbol.asyncDispose]: () => house[Symbol.asyncDispose](),
  }
}

/** Everyone may get the objects, unless a statement says otherwise. */
export const policyFor = (bucket: string, ...statements: readonly Readonly<Record<string, unknown>>[]): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({
      ...{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` },
      ...statement,
    })),
  })
