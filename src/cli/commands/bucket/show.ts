import { isTrue, listOf, numberOf, textOf } from '../../json.ts'
import { tokenOrNone } from '../../optional-control.ts'
import { rootKeyName } from '../../root-key-names.ts'
import { orNone } from '../../s3/or-none.ts'
import { readBucket } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'
import { countText, sizeText } from '../../units.ts'

export const showBucket: CommandSpec = {
  name: 'show',
  summary: 'Shows a bucket: encryption, versioning, what is in it.',
  arguments: [{ name: 'bucket', help: 'name', kind: 'bucket' }],
  examples: ['coffer bucket show invoices'],
  see: ['coffer bucket who-can-read', 'coffer object ls'],
  run: async (call) => {
    const name = readBucket(call.argument('bucket'))
    call.doing(`show bucket ${name}`)
    call.about(name)
    const server = await call.server()
    const s3 = await server.s3()
    const bucket = { Bucket: name }
    await s3.headBucket(bucket)
    const [encryption, versioning, lock, lifecycle, policy, location, usage, states] = await Promise.all([
      orNone(s3.getBucketEncryption(bucket)),
      s3.getBucketVersioning(bucket),
      orNone(s3.getObjectLockConfiguration(bucket)),
      orNone(s3.getBucketLifecycleConfiguration(bucket)),
      orNone(s3.getBucketPolicyStatus(bucket)),
      s3.getBucketLocation(bucket),
      tokenOrNone(() => server.control('GET', `/admin/v1/buckets/${encodeURIComponent(name)}/usage`)),
      tokenOrNone(() => server.control('GET', '/admin/v1/buckets')),
    ])
    const rule = encryption?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault
    const state = listOf(states, 'buckets').find((one) => textOf(one, 'bucket') === name)
    const document = {
      bucket: name,
      encryption: rule?.SSEAlgorithm,
      rootKeyCrn: rule?.KMSMasterKeyID,
      state: textOf(state, 'state'),
      versioning: versioning.Status ?? 'never enabled',
      objectLock: lock?.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled',
      lifecycleRules: lifecycle?.Rules?.length ?? 0,
      isPublic: policy?.PolicyStatus?.IsPublic === true,
      location: location.LocationConstraint ?? '',
      ...(usage === undefined ? {} : { usage }),
    }
    const objects = numberOf(usage, 'objects')
    const bytes = numberOf(usage, 'bytes')
    const crn = rule?.KMSMasterKeyID
    const rootKey = crn === undefined ? undefined : await rootKeyName(server, crn)
    call.out.answer(
      document,
      () =>
        factsText(
          [
            ['bucket', name],
            ['encryption', rootKey === undefined ? 'provider-managed' : 'customer-managed'],
            ['root key', rootKey],
            ['state', document.state],
            ['versioning', document.versioning],
            ['object lock', document.objectLock ? 'enabled' : undefined],
            ['lifecycle', document.lifecycleRules > 0 ? countText(document.lifecycleRules, 'rule') : undefined],
            ['public', document.isPublic ? 'yes' : 'no'],
            ['location', document.location],
            ['objects', objects?.toLocaleString('en-US')],
            ['size', bytes === undefined ? undefined : sizeText(bytes)],
            ['damaged rows', isTrue(usage, 'damaged') ? 'yes' : undefined],
          ],
          call.out.paint,
        ),
      [name],
    )
    return 'done'
  },
}
