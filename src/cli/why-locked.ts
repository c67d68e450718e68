import { CommandFailure } from './failure.ts'
import { listOf, textOf } from './json.ts'
import { keyReference } from './key-face.ts'
import { inInstance, keyInstance, keyLabel, rootKeyOf } from './key-protect.ts'
import type { Server } from './server.ts'
import { deedText, whoDisabled } from './who-disabled.ts'

/** Says which root key keeps a bucket from being read, and what brings it back, as far as the caller may know. */
export async function whyLocked(found: CommandFailure, server: Server, bucket: string): Promise<CommandFailure> {
  try {
    const crn = await rootKeyCrn(server, bucket)
    if (crn === undefined) return found
    const [, , , , , , , guid = '', , id = ''] = crn.split(':')
    const instance = await keyInstance(server, guid)
    const answer = await server.control('GET', `/api/v2/keys/${id}/metadata`, inInstance(instance))
    const key = rootKeyOf(listOf(answer, 'resources')[0], instance)
    const label = `${instance.name}/${keyLabel(key)}`
    const deed = await whoDisabled(server, key)
    const fix = key.state === 'destroyed' ? 'restore' : 'enable'
    return new CommandFailure(
      {
        ...found.failure,
        why:
          key.state === 'active'
            ? found.failure.why
            : `its root key ${label} is ${key.state === 'destroyed' ? 'deleted' : key.state}${deed ? `, ${deedText(deed, Date.now())}` : ''}`,
        notes: ['The data is intact; names, sizes and dates can be listed.'],
        fixes:
          key.state === 'active'
            ? [`coffer authorization check --bucket ${bucket}`]
            : [`coffer key ${fix} ${keyReference(key)}`],
      },
      found,
    )
  } catch {
    // Who may not see the key is told what S3 said.
    return found
  }
}

/** Of the bucket; undefined where the caller is not told. */
export async function rootKeyCrn(server: Server, bucket: string): Promise<string | undefined> {
  const s3 = await server.s3()
  const { ServerSideEncryptionConfiguration: configuration } = await s3.getBucketEncryption({ Bucket: bucket })
  return textOf(configuration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault, 'KMSMasterKeyID')
}
