/**
 * The rest of the S3 API by its subresource, so that it is refused by its own name and never answered as something
 * else. `on` → query name → method → operation. IBM's additions are among them.
 */
type Methods = Readonly<Partial<Record<'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE', string | OneOrAll>>>

/** One of several by the parameter that names it; without it, all of them. */
interface OneOrAll {
  readonly by: string
  readonly one: string
  readonly all: string
}

const crud = (name: string): Methods => ({ GET: `Get${name}`, PUT: `Put${name}`, DELETE: `Delete${name}` })
const listed = (name: string, by: string): Methods => ({
  ...crud(name),
  GET: { by, one: `Get${name}`, all: `List${name}s` },
})
const getPut = (name: string): Methods => ({ GET: `Get${name}`, PUT: `Put${name}` })

export const UNIMPLEMENTED: Readonly<Record<'service' | 'bucket' | 'object', Readonly<Record<string, Methods>>>> = {
  service: {
    extended: { GET: 'ListBucketsExtended' },
    events: { GET: 'ListenBucketNotification' },
  },
  bucket: {
    abac: getPut('BucketAbac'),
    events: { GET: 'ListenBucketNotification' },
    'ibm-replication-failures': { GET: 'ListBucketReplicationFailures' },
    'ibm-replication-reattempt': { PUT: 'PutBucketReplicationReattempt' },
    metadataAnnotationTable: { PUT: 'UpdateBucketMetadataAnnotationTableConfiguration' },
    metadataConfiguration: {
      GET: 'GetBucketMetadataConfiguration',
      POST: 'CreateBucketMetadataConfiguration',
      DELETE: 'DeleteBucketMetadataConfiguration',
    },
    metadataInventoryTable: { PUT: 'UpdateBucketMetadataInventoryTableConfiguration' },
    metadataJournalTable: { PUT: 'UpdateBucketMetadataJournalTableConfiguration' },
    metadataTable: {
      GET: 'GetBucketMetadataTableConfiguration',
      POST: 'CreateBucketMetadataTableConfiguration',
      DELETE: 'DeleteBucketMetadataTableConfiguration',
    },
    session: { GET: 'CreateSession' },
    usage: { GET: 'GetBucketUsage' },
  },
  object: {
    annotation: listed('ObjectAnnotation', 'annotationName'),
    select: { POST: 'SelectObjectContent' },
    torrent: { GET: 'GetObjectTorrent' },
  },
}
