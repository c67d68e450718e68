import type { BucketLocationConstraint } from '@aws-sdk/client-s3'
import { missingAuthorization } from '../../authorizations.ts'
import { usage } from '../../failure.ts'
import { findKey, keyLabel, type RootKey } from '../../key-protect.ts'
import { tokenOrNone } from '../../optional-control.ts'
import { withHeaders } from '../../s3/headers.ts'
import { readBucket } from '../../s3/references.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'

export const createBucket: CommandSpec = {
  name: 'create',
  summary: 'Makes a bucket.',
  about:
    'Without --key its encryption is provider-managed: all that is stored is encrypted, under a key of the store. With --key the bucket is under that root key: disable it, and nobody reads what is there.',
  arguments: [{ name: 'name', help: '3 to 63 characters: small letters, digits, dashes, dots' }],
  options: {
    key: { value: 'key', help: 'root key: alias, instance/alias, id or CRN', kind: 'key' },
    location: { value: 'name', help: 'location constraint' },
    versioning: { help: 'keeps versions from the start' },
    'object-lock': { help: 'versions can be retained and held; switches versioning on' },
  },
  examples: ['coffer bucket create logs', 'coffer bucket create invoices --key finance-root --versioning'],
  see: ['coffer key create', 'coffer authorization create', 'coffer bucket encrypt'],
  run: async (call) => {
    const name = readBucket(call.argument('name'))
    call.doing(`create bucket ${name}`)
    const server = await call.server()
    const s3 = await server.s3()
    const named = call.text('key')
    const key = named === undefined ? undefined : await findKey(server, named)
    const location = call.text('location')
    if (location !== undefined && !isLocation(location)) throw usage(`${location} is not the name of a location`)
    const input = {
      Bucket: name,
      ...(call.flag('object-lock') ? { ObjectLockEnabledForBucket: true } : {}),
      ...(location === undefined ? {} : { CreateBucketConfiguration: { LocationConstraint: location } }),
    }
    try {
      await withHeaders(s3, await headersFor(server, key), (client) => client.createBucket(input))
    } catch (error) {
      throw key && error instanceof Error && error.name === 'InvalidRequest'
        ? await missingAuthorization(server, key, error)
        : error
    }
    if (call.flag('versioning') && !call.flag('object-lock')) {
      await s3.putBucketVersioning({ Bucket: name, VersioningConfiguration: { Status: 'Enabled' } })
    }
    const document = { bucket: name, encryption: key ? 'customer-managed' : 'provider-managed', rootKeyCrn: key?.crn }
    call.out.answer(
      document,
      () => `✓ ${name}, ${key ? `under ${key.instance.name}/${keyLabel(key)}` : 'with provider-managed encryption'}`,
      [name],
    )
    return 'done'
  },
}

/** By token alone the server has to be told which instance the bucket is in. */
async function headersFor(server: Server, key: RootKey | undefined): Promise<Readonly<Record<string, string>>> {
  const instance = server.objectStorageCrn ?? (await onlyObjectStorage(server))
  return {
    ...(instance === undefined ? {} : { 'ibm-service-instance-id': instance }),
    ...(key ? { 'ibm-sse-kp-encryption-algorithm': 'AES256', 'ibm-sse-kp-customer-root-key-crn': key.crn } : {}),
  }
}

async function onlyObjectStorage(server: Server): Promise<string | undefined> {
  const instances = await tokenOrNone(() => server.instances())
  const [only, ...more] = (instances ?? []).filter(({ service }) => service === 'cloud-object-storage')
  return more.length === 0 ? only?.crn : undefined
}

/** Which there are is for the server to say. */
const isLocation = (text: string): text is BucketLocationConstraint => /^[a-z0-9-]{1,64}$/.test(text)
