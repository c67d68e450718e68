import type {
  Off,
  ReplicationConfiguration,
  ReplicationDestination,
  ReplicationRule,
} from '../../../objects/replication/configuration.ts'
import { filterContent } from '../configuration-filter.ts'
import type { XmlContent } from '../xml/encode.ts'

export const replicationContent = ({ role, rules }: ReplicationConfiguration): XmlContent => ({
  Role: role,
  Rule: rules.map(ruleContent),
})

const status = (on: boolean) => ({ Status: on ? 'Enabled' : 'Disabled' })
const given = (on: boolean | undefined): XmlContent => (on === undefined ? undefined : status(on))

function ruleContent(rule: ReplicationRule): XmlContent {
  const { id, enabled, priority, prefix, filter, deleteMarkers, kmsObjects, off = [], destination } = rule
  const said = (what: Off): XmlContent => (off.includes(what) ? status(false) : undefined)
  const modifications = said('replicaModifications')
  const criteria = { SseKmsEncryptedObjects: given(kmsObjects), ReplicaModifications: modifications }
  return {
    ID: id,
    Priority: priority,
    Prefix: prefix,
    Filter: filterContent(filter),
    Status: status(enabled).Status,
    SourceSelectionCriteria: kmsObjects === undefined && modifications === undefined ? undefined : criteria,
    ExistingObjectReplication: said('existingObjects'),
    Destination: destinationContent(destination, said),
    DeleteMarkerReplication: given(deleteMarkers),
  }
}

const destinationContent = (
  { arn, account, storageClass, ownerOverride, keyName }: ReplicationDestination,
  said: (what: Off) => XmlContent,
): XmlContent => ({
  Bucket: arn,
  Account: account,
  StorageClass: storageClass,
  AccessControlTranslation: ownerOverride ? { Owner: 'Destination' } : undefined,
  EncryptionConfiguration: keyName === undefined ? undefined : { ReplicaKmsKeyID: keyName },
  ReplicationTime: said('time'),
  Metrics: said('metrics'),
})
