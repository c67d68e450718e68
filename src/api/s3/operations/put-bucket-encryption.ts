import type { Bucket } from '../../../objects/buckets.ts'
import { ALGORITHMS } from '../../../objects/encrypting.ts'
import { BLOCKABLE, type BucketEncryption, bucketEncryption, withBlocked } from '../bucket-encryption.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation, type OperationContext } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { kmsKey, refuseServiceKey } from '../wanted-encryption.ts'
import { parseXml, type XmlElement } from '../xml/decode.ts'

const MAX_BODY_BYTES = 64 * 1024

/** How what is new in the bucket is encrypted from now on. What is there stays as it is. */
export const putBucketEncryption = defineOperation({
  name: 'PutBucketEncryption',
  method: 'PUT',
  on: 'bucket',
  query: { encryption: true },
  action: 's3:PutEncryptionConfiguration',
  parse: bucketTarget,
  run: async (name, context) => {
    const { objects, request, body } = context
    const bucket = objects.buckets.get(name)
    const rule = ruleOf(await readXmlBody(request, body, { maxBytes: MAX_BODY_BYTES }))
    const wanted = await encryptionOf(rule, bucket, context)
    await bucketEncryption.change(objects, bucket, (now) => withBlocked(wanted, now))
    return { status: 200, headers: { 'content-length': 0 } }
  },
})

type Rule = Pick<BucketEncryption, 'keyName' | 'bucketKey' | 'blocked'> & {
  readonly algorithm: BucketEncryption['algorithm'] | undefined
}

function ruleOf(body: Buffer): Rule {
  const root = parseXml(body, 'ServerSideEncryptionConfiguration', MAX_BODY_BYTES)
  root.allow('Rule')
  const rule = root.child('Rule')
  if (!rule) throw new S3Error('MalformedXML')
  rule.allow('ApplyServerSideEncryptionByDefault', 'BucketKeyEnabled', 'BlockedEncryptionTypes')
  const apply = rule.child('ApplyServerSideEncryptionByDefault')
  apply?.allow('SSEAlgorithm', 'KMSMasterKeyID')
  const asked = apply?.text('SSEAlgorithm')
  const algorithm = ALGORITHMS.find((name) => name === asked)
  if (apply && !algorithm) throw new S3Error('MalformedXML')
  const keyName = apply?.text('KMSMasterKeyID')
  if (keyName !== undefined && algorithm === 'AES256') {
    throw invalid('a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse')
  }
  const bucketKey = flag(rule.text('BucketKeyEnabled'))
  if (bucketKey && algorithm === 'aws:kms:dsse') throw invalid('An S3 Bucket Key cannot be used with aws:kms:dsse.')
  const blocked = blockedTypes(rule.child('BlockedEncryptionTypes'))
  return {
    algorithm,
    ...(keyName ? { keyName } : {}),
    ...(bucketKey === undefined ? {} : { bucketKey }),
    ...(blocked ? { blocked } : {}),
  }
}

function flag(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined
  if (!/^(true|false)$/i.test(text)) throw new S3Error('MalformedXML')
  return text.toLowerCase() === 'true'
}

function blockedTypes(element: XmlElement | undefined): NonNullable<BucketEncryption['blocked']> | undefined {
  element?.allow('EncryptionType')
  const types = element?.children('EncryptionType').map((type) => {
    const known = BLOCKABLE.find((name) => name === type.value())
    if (!known) throw new S3Error('MalformedXML')
    return known
  })
  if (types && types.length > 1 && types.includes('NONE')) throw new S3Error('MalformedXML')
  return types && types.length > 0 ? types : undefined
}

/** The key is looked up now, and with the rights of whoever sets it: those who store need none to it. */
async function encryptionOf(rule: Rule, bucket: Bucket, context: OperationContext): Promise<BucketEncryption> {
  const { algorithm = bucket.encryption === 'customer-managed' ? 'aws:kms' : 'AES256', keyName, ...rest } = rule
  if (algorithm === 'AES256') {
    refuseServiceKey(bucket)
    return { ...rest, algorithm }
  }
  const rootKey = await kmsKey(keyName, bucket, context)
  return { bucketKey: false, ...rest, algorithm, ...rootKey, ...(keyName === undefined ? { unnamed: true } : {}) }
}

const invalid = (message: string): S3Error =>
  new S3Error('InvalidArgument', message, { extra: { ArgumentName: 'ApplyServerSideEncryptionByDefault' } })
