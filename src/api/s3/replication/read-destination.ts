import type { Off, ReplicationDestination } from '../../../objects/replication/configuration.ts'
import type { XmlElement } from '../xml/decode.ts'
import { invalid, malformed, refuseOn, wrong } from './values.ts'

/** `arn:<partition>:s3:::<bucket>` here, `arn:<partition>:s3::<target>:<bucket>` elsewhere. */
const ARN = /^arn:[a-z-]+:s3:[a-z0-9-]*:([a-z0-9-]*):([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])$/
const STORAGE_CLASS = /^[A-Z][A-Z0-9_]{0,63}$/

export function readDestination(
  element: XmlElement,
  kmsObjects: boolean | undefined,
): ReplicationDestination & { readonly off: readonly Off[] } {
  element.allow(
    ...['Bucket', 'Account', 'StorageClass', 'AccessControlTranslation', 'EncryptionConfiguration'],
    ...['Metrics', 'ReplicationTime'],
  )
  const arn = element.text('Bucket')
  if (arn === undefined) throw malformed()
  const [, target, bucket] = ARN.exec(arn) ?? []
  if (target === undefined || bucket === undefined) throw wrong('Bucket', arn, 'Invalid bucket ARN')
  const account = element.text('Account')
  const storageClass = element.text('StorageClass')
  if (storageClass !== undefined && !STORAGE_CLASS.test(storageClass)) throw malformed()
  const keyName = readKeyName(element.child('EncryptionConfiguration'), kmsObjects)
  return {
    ...{ arn, bucket, off: readOff(element) },
    ...(target === '' ? {} : { target }),
    ...(account === undefined ? {} : { account }),
    ...(storageClass === undefined ? {} : { storageClass }),
    ...readOwner(element.child('AccessControlTranslation'), account),
    ...(keyName === undefined ? {} : { keyName }),
  }
}

function readOwner(
  element: XmlElement | undefined,
  account: string | undefined,
): Pick<ReplicationDestination, 'ownerOverride'> {
  if (!element) return {}
  element.allow('Owner')
  if (element.text('Owner') !== 'Destination') throw malformed()
  if (account === undefined) {
    throw invalid('Account must be specified if the Owner in AccessControlTranslation has a value')
  }
  return { ownerOverride: true }
}

function readKeyName(element: XmlElement | undefined, kmsObjects: boolean | undefined): string | undefined {
  element?.allow('ReplicaKmsKeyID')
  if (element && kmsObjects === undefined) {
    throw invalid('SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.')
  }
  const keyName = element?.text('ReplicaKmsKeyID')
  if (kmsObjects !== undefined && !keyName) {
    throw invalid('ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.')
  }
  return keyName
}

function readOff(element: XmlElement): readonly Off[] {
  const time = element.child('ReplicationTime')
  const metrics = element.child('Metrics')
  time?.allow('Status', 'Time')
  metrics?.allow('Status', 'EventThreshold')
  return [
    ...(metrics && refuseOn(metrics, 'Metrics of replication') ? (['metrics'] as const) : []),
    ...(time && refuseOn(time, 'ReplicationTime') ? (['time'] as const) : []),
  ]
}
