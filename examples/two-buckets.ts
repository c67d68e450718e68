// The same file in two buckets: one sealed under the service's root key, one under a key of yours.
// Needs a running server and the environment that its first start prints. Run: npm run example

import { strict as assert } from 'node:assert'
import { createHash, randomUUID } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import cos from 'ibm-cos-sdk'

const setting = (name: string, fallback?: string): string => {
  const value = process.env[name] ?? fallback
  if (value === undefined) throw new Error(`set ${name}: the first start of the server prints it`)
  return value
}
const s3Url = setting('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:9000')
const controlUrl = setting('COFFER_CONTROL', 'http://127.0.0.1:9001')
const apiKey = setting('IBMCLOUD_API_KEY')
const keyProtectInstance = setting('KP_INSTANCE_ID')
const cosInstanceCrn = setting('COS_INSTANCE_CRN')
const dataDir = setting('COFFER_DATA_DIR', './data')

const step = (text: string): void => console.log(`\n— ${text}`)
const run = randomUUID().slice(0, 8)
const [plain, vault] = [`plain-${run}`, `vault-${run}`]
const Key = 'letter.txt'
const MARKER = `Dear auditor ${run}, you should not find this sentence on the disk. `
// Larger than what is packed together, so that each object has a file of its own to look at.
const file = Buffer.from(MARKER.repeat(8192))

// —— 1. A provider-managed bucket, by the AWS SDK: nothing to configure ——
const aws = new S3Client({
  endpoint: s3Url,
  region: setting('AWS_REGION', 'us-east-1'),
  forcePathStyle: true,
  credentials: { accessKeyId: setting('AWS_ACCESS_KEY_ID'), secretAccessKey: setting('AWS_SECRET_ACCESS_KEY') },
})
step(`@aws-sdk/client-s3: bucket ${plain}, sealed under the service's own root key`)
await aws.send(new CreateBucketCommand({ Bucket: plain }))
const before = await blobFiles()
await aws.send(new PutObjectCommand({ Bucket: plain, Key, Body: file }))
const plainFiles = newFiles(before, await blobFiles())

// —— 2. A root key, an authorization and a customer-managed bucket, by IBM's SDKs ——
const keyProtect = openKeyProtect()
const named = { bluemixInstance: keyProtectInstance }
step('@ibm-cloud/ibm-key-protect: a root key')
const { result } = await keyProtect.createKey({
  ...named,
  body: {
    metadata: { collectionType: 'application/vnd.ibm.kms.key+json', collectionTotal: 1 },
    resources: [{ type: 'application/vnd.ibm.kms.key+json', name: `example-${run}`, extractable: false }],
  },
})
const rootKey = result.resources[0]
assert(rootKey)
console.log(`  ${rootKey.crn}`)

step('IAM: an authorization, so that object storage may use keys of that instance')
await authorize()

step(`ibm-cos-sdk: bucket ${vault}, sealed under that key`)
const ibm = new cos.S3({
  endpoint: s3Url,
  s3ForcePathStyle: true,
  apiKeyId: apiKey,
  ibmAuthEndpoint: `${controlUrl}/identity/token`,
  serviceInstanceId: cosInstanceCrn,
})
await ibm
  .createBucket({
    Bucket: vault,
    IBMServiceInstanceId: cosInstanceCrn,
    IBMSSEKPEncryptionAlgorithm: 'AES256',
    IBMSSEKPCustomerRootKeyCrn: rootKey.crn,
    CreateBucketConfiguration: { LocationConstraint: 'us-south-standard' },
  })
  .promise()
const head = await ibm.headBucket({ Bucket: vault }).promise()
console.log(`  HEAD bucket: ibm-sse-kp-enabled ${head.IBMSSEKPEnabled}`)
const middle = await blobFiles()
await ibm.putObject({ Bucket: vault, Key, Body: file }).promise()
const vaultFiles = newFiles(middle, await blobFiles())

// —— 3. What is on the disk ——
step(`ciphertext in ${dataDir}: the same ${file.length} bytes, twice`)
const [plainBlob, vaultBlob] = await Promise.all([onlyFile(plainFiles), onlyFile(vaultFiles)])
console.log(`  ${plain}: sha256 ${sha256(plainBlob)}\n  ${vault}: sha256 ${sha256(vaultBlob)}`)
assert.notEqual(sha256(plainBlob), sha256(vaultBlob))
for (const path of await allFiles(dataDir))
  assert(!(await readFile(path)).includes(MARKER.slice(0, 24)), `plaintext in ${path}`)
console.log('  no plaintext in any file of the store')

// —— 4. The key is the switch ——
const etag = (await aws.send(new HeadObjectCommand({ Bucket: vault, Key }))).ETag
step('key disabled')
await keyProtect.disableKey({ ...named, id: rootKey.id })
console.log(`  ${plain}: ${await outcome(plain)}\n  ${vault}: ${await outcome(vault)}`)
assert.equal(await outcome(plain), 'readable')
assert.match(await outcome(vault), /^KMS\.DisabledException/)

step('key enabled again (Key Protect allows it 30 s after it was disabled)')
await untilDone(() => keyProtect.enableKey({ ...named, id: rootKey.id }))
console.log(`  ${vault}: ${await outcome(vault)}`)
assert.equal(await outcome(vault), 'readable')

step('key rotated: old data stays readable, the ETag does not change')
await keyProtect.rotateKey({ ...named, id: rootKey.id, keyActionRotateBody: {} })
assert.equal(await outcome(vault), 'readable')
assert.equal((await aws.send(new HeadObjectCommand({ Bucket: vault, Key }))).ETag, etag)
console.log(`  ${vault}: readable, ETag ${etag}`)

step('cleaning up')
for (const Bucket of [plain, vault]) {
  await aws.send(new DeleteObjectCommand({ Bucket, Key }))
  await aws.send(new DeleteBucketCommand({ Bucket }))
}
await keyProtect.deleteKey({ ...named, id: rootKey.id })
console.log('  done')

// —— helpers ——
interface KeyProtect {
  readonly createKey: (call: object) => Promise<{ result: { resources: { id: string; crn: string }[] } }>
  readonly disableKey: (call: object) => Promise<unknown>
  readonly enableKey: (call: object) => Promise<unknown>
  readonly rotateKey: (call: object) => Promise<unknown>
  readonly deleteKey: (call: object) => Promise<unknown>
}

function openKeyProtect(): KeyProtect {
  const require = createRequire(new URL('./key-protect-client/package.json', import.meta.url))
  const KeyProtectV2: new (options: object) => KeyProtect = require('@ibm-cloud/ibm-key-protect/ibm-key-protect-api/v2')
  const {
    IamAuthenticator,
  }: { IamAuthenticator: new (options: object) => object } = require('@ibm-cloud/ibm-key-protect/auth')
  return new KeyProtectV2({
    authenticator: new IamAuthenticator({ apikey: apiKey, url: controlUrl }),
    serviceUrl: controlUrl,
  })
}

async function authorize(): Promise<void> {
  const form = new URLSearchParams({ grant_type: 'urn:ibm:params:oauth:grant-type:apikey', apikey: apiKey })
  const reply = await fetch(`${controlUrl}/identity/token`, { method: 'POST', body: form })
  const token: unknown = await reply.json()
  assert(typeof token === 'object' && token !== null && 'access_token' in token, 'no token')
  const accountId = /:a\/([0-9a-f]{32}):/.exec(cosInstanceCrn)?.[1]
  const cosInstance = cosInstanceCrn.split(':')[7]
  const attribute = (name: string, value: string | undefined) => ({ name, value })
  const made = await fetch(`${controlUrl}/v1/policies`, {
    method: 'POST',
    headers: { authorization: `Bearer ${String(token.access_token)}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      type: 'authorization',
      subjects: [
        { attributes: [attribute('serviceName', 'cloud-object-storage'), attribute('serviceInstance', cosInstance)] },
      ],
      roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:Reader' }],
      resources: [
        {
          attributes: [
            attribute('accountId', accountId),
            attribute('serviceName', 'kms'),
            attribute('serviceInstance', keyProtectInstance),
          ],
        },
      ],
    }),
  })
  console.log(made.status === 409 ? '  it was there already' : `  created: ${made.status}`)
  assert([201, 409].includes(made.status), await made.text())
}

async function outcome(Bucket: string): Promise<string> {
  try {
    const { Body } = await aws.send(new GetObjectCommand({ Bucket, Key }))
    const bytes = await Body?.transformToByteArray()
    return bytes && file.equals(bytes) ? 'readable' : 'wrong bytes'
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  }
}

async function untilDone(act: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await act()
      return
    } catch (error) {
      if (attempt === 20) throw error
      await sleep(2000)
    }
  }
}

async function allFiles(directory: string): Promise<string[]> {
  const entries: Dirent[] = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

async function blobFiles(): Promise<Set<string>> {
  return new Set(await allFiles(join(dataDir, 'blobs')))
}

function newFiles(old: ReadonlySet<string>, now: ReadonlySet<string>): string[] {
  return [...now].filter((path) => !old.has(path))
}

async function onlyFile([path]: readonly string[]): Promise<Buffer> {
  assert(path, `no new file under ${dataDir}/blobs: set COFFER_DATA_DIR to the server's data directory`)
  return readFile(path)
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
