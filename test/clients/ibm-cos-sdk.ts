import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import cos from 'ibm-cos-sdk'
import cosPackage from 'ibm-cos-sdk/package.json' with { type: 'json' }
import { type Client, missing, type ObjectVerbs, type Target } from './client.ts'
import { objectSteps } from './object-steps.ts'

/** Signs with the account's HMAC pair. */
export const ibmCosSdkHmac: Client = {
  name: 'ibm-cos-sdk (HMAC)',
  install: async () => {},
  version: async () => cosPackage.version,
  connect: async (target) => {
    const s3 = cosClient(target, {
      accessKeyId: target.accessKeyId,
      secretAccessKey: target.secretAccessKey,
      signatureVersion: 'v4',
    })
    const presign = (operation: string) => async (bucket: string, key: string) =>
      s3.getSignedUrlPromise(operation, { Bucket: bucket, Key: key, Expires: 300 })
    const verbs = { ...verbsFor(s3), presignGet: presign('getObject'), presignPut: presign('putObject') }
    return { steps: objectSteps('ibm-cos-sdk-hmac', verbs, target) }
  },
}

/** Exchanges the API key for a token and sends that. */
export const ibmCosSdkIam: Client = {
  ...ibmCosSdkHmac,
  name: 'ibm-cos-sdk (IAM)',
  connect: async (target) => ({ steps: objectSteps('ibm-cos-sdk-iam', verbsFor(iamClient(target)), target) }),
}

/** Makes the bucket that every client uses for its step with the customer's own root key. */
export async function makeCustomerManagedBucket(target: Target, bucket: string, rootKeyCrn: string): Promise<void> {
  await iamClient(target)
    .createBucket({
      Bucket: bucket,
      IBMServiceInstanceId: target.objectStorageCrn,
      IBMSSEKPEncryptionAlgorithm: 'AES256',
      IBMSSEKPCustomerRootKeyCrn: rootKeyCrn,
      CreateBucketConfiguration: { LocationConstraint: 'us-south-standard' },
    })
    .promise()
}

const iamClient = (target: Target): cos.S3 =>
  cosClient(target, {
    apiKeyId: target.apiKey,
    ibmAuthEndpoint: `${target.controlUrl}/identity/token`,
    serviceInstanceId: target.objectStorageCrn,
  })

const cosClient = (target: Target, credentials: cos.S3.ClientConfiguration): cos.S3 =>
  new cos.S3({ endpoint: target.s3Url, s3ForcePathStyle: true, maxRetries: 0, ...credentials })

function verbsFor(s3: cos.S3): ObjectVerbs {
  const noSigner = missing('IAM tokens sign no URLs; the row with HMAC does')
  return {
    makeBucket: async (bucket) => void (await s3.createBucket({ Bucket: bucket }).promise()),
    put: async (bucket, key, file) => {
      const body = createReadStream(file)
      await s3.upload({ Bucket: bucket, Key: key, Body: body }, { partSize: 5 * 1024 * 1024 }).promise()
    },
    get: (bucket, key, file) =>
      pipeline(s3.getObject({ Bucket: bucket, Key: key }).createReadStream(), createWriteStream(file)),
    list: async (bucket, prefix, delimiter) => {
      const level = delimiter === undefined ? {} : { Delimiter: delimiter }
      const page = await s3.listObjects({ Bucket: bucket, Prefix: prefix, ...level }).promise()
      return {
        keys: (page.Contents ?? []).flatMap(({ Key: key }) => key ?? []),
        prefixes: (page.CommonPrefixes ?? []).flatMap((one) => one.Prefix ?? []),
      }
    },
    range: async (bucket, key, start, end) => {
      const { Body: body } = await s3.getObject({ Bucket: bucket, Key: key, Range: `bytes=${start}-${end}` }).promise()
      if (!Buffer.isBuffer(body)) throw new Error('no body')
      return body
    },
    copy: async (bucket, from, to) => {
      const source = `${bucket}/${encodeURIComponent(from)}`
      await s3.copyObject({ Bucket: bucket, Key: to, CopySource: source }).promise()
    },
    presignGet: noSigner,
    presignPut: noSigner,
    remove: async (bucket, key) => void (await s3.deleteObject({ Bucket: bucket, Key: key }).promise()),
    removeBucket: async (bucket) => void (await s3.deleteBucket({ Bucket: bucket }).promise()),
  }
}
