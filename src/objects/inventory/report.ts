import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { newUuid } from '../../base/ids.ts'
import type { BodyInput } from '../body-writer.ts'
import type { BucketKeys } from '../bucket-keys.ts'
import type { Bucket } from '../buckets.ts'
import { sameBucket } from '../commit-version.ts'
import type { Engine } from '../engine.ts'
import { listVersions } from '../list-versions.ts'
import type { ListedObject } from '../listed-row.ts'
import { listObjects } from '../listing.ts'
import { STANDARD } from '../move-to-class.ts'
import { putObject } from '../put-object.ts'
import type { InventoryConfiguration, InventoryField } from './configuration.ts'

const PAGE = 1000
const ROWS_PER_FILE = 1_000_000

interface Row extends ListedObject {
  readonly versionId?: string
  readonly isLatest?: boolean
  readonly deleteMarker?: boolean
}

interface ReportFile {
  readonly key: string
  readonly size: number
  readonly MD5checksum: string
}

/**
 * Writes the report of a bucket into its target bucket, sealed as everything there is: files of rows first, then the
 * manifest that names them. Throws what writing throws; then there is no manifest.
 */
export async function writeReport(
  engine: Engine,
  keys: BucketKeys,
  source: Bucket,
  target: Bucket,
  configuration: InventoryConfiguration,
): Promise<void> {
  // A report of a locked bucket would lack what only the key tells.
  ;(await keys.summaryCipher(source))[Symbol.dispose]()
  const timeMs = engine.clock.now()
  const { targetPrefix } = configuration
  const place = `${targetPrefix === undefined ? '' : `${targetPrefix}/`}${source.name}/${configuration.id}`
  const rows = rowsOf(engine, keys, source, configuration)
  const files: ReportFile[] = []
  const put = (key: string, body: BodyInput, type: string) =>
    putObject(engine, keys, {
      ...{ bucket: sameBucket(engine, target), key, body, conditions: {} },
      attributes: { headers: { 'content-type': type }, userMetadata: {} },
    })
  for (let first = await rows.next(); !first.done; first = await rows.next()) {
    const key = `${place}/data/${newUuid()}.csv.gz`
    const lines = csv(source, configuration, first.value, rows)
    const { sizeBytes, etag } = await put(key, { stream: gzipped(lines), lengthBytes: undefined }, 'application/gzip')
    files.push({ key, size: sizeBytes, MD5checksum: etag })
  }
  const manifest = JSON.stringify(
    {
      sourceBucket: source.name,
      destinationBucket: `arn:aws:s3:::${target.name}`,
      version: '2016-11-30',
      creationTimestamp: String(timeMs),
      fileFormat: 'CSV',
      fileSchema: schemaOf(configuration).join(', '),
      files,
    },
    null,
    2,
  )
  const folder = `${place}/${new Date(timeMs).toISOString().slice(0, 16).replace(':', '-')}Z`
  const { etag } = await put(`${folder}/manifest.json`, whole(manifest), 'application/json')
  await put(`${folder}/manifest.checksum`, whole(`${etag}\n`), 'text/plain')
}

function whole(text: string): BodyInput {
  const bytes = Buffer.from(text, 'utf8')
  return { stream: Readable.from([bytes]), lengthBytes: bytes.length }
}

const gzipped = (lines: AsyncIterable<string>): AsyncIterable<Buffer> =>
  Readable.from(lines, { objectMode: false }).compose(createGzip())

async function* rowsOf(
  engine: Engine,
  keys: BucketKeys,
  source: Bucket,
  { prefix = '', versions }: InventoryConfiguration,
): AsyncGenerator<Row> {
  const query = { prefix, delimiter: '', limit: PAGE }
  if (versions === 'Current') {
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = await listObjects(engine, keys, { ...query, bucket: sameBucket(engine, source), after })
      yield* page.items
      after = page.truncated ? page.last : undefined
    }
    return
  }
  let [keyMarker, versionIdMarker]: (string | undefined)[] = ['', '']
  while (keyMarker !== undefined) {
    const markers = { keyMarker, versionIdMarker: versionIdMarker ?? '' }
    const page = await listVersions(engine, keys, { ...query, ...markers, bucket: sameBucket(engine, source) })
    yield* page.items
    keyMarker = page.truncated ? page.last : undefined
    versionIdMarker = page.lastVersionId
  }
}

/** As many rows as a file holds, of which the first is taken already. */
async function* csv(
  source: Bucket,
  configuration: InventoryConfiguration,
  first: Row,
  rows: AsyncGenerator<Row>,
): AsyncGenerator<string> {
  yield line(source, configuration, first)
  for (let count = 1; count < ROWS_PER_FILE; count++) {
    const row = await rows.next()
    if (row.done) return
    yield line(source, configuration, row.value)
  }
}

const schemaOf = ({ versions, fields }: InventoryConfiguration): readonly string[] => [
  ...['Bucket', 'Key', ...(versions === 'All' ? ['VersionId', 'IsLatest', 'IsDeleteMarker'] : [])],
  ...fields,
]

function line(source: Bucket, { versions, fields }: InventoryConfiguration, row: Row): string {
  const { isLatest = true, deleteMarker = false, versionId = 'null' } = row
  const version = versions === 'All' ? [versionId === 'null' ? '' : versionId, isLatest, deleteMarker] : []
  const values = [source.name, encodeURIComponent(row.key).replaceAll('%2F', '/'), ...version]
  const others = fields.map((field) => (deleteMarker && field !== 'LastModifiedDate' ? '' : value(field, row, source)))
  return `${[...values, ...others].map((one) => `"${String(one).replaceAll('"', '""')}"`).join(',')}\n`
}

function value(field: InventoryField, { sizeBytes, modifiedAtMs, summary, ...row }: Row, source: Bucket): string {
  switch (field) {
    case 'Size':
      return String(sizeBytes)
    case 'LastModifiedDate':
      return new Date(modifiedAtMs).toISOString()
    case 'ETag':
      return summary?.etag ?? ''
    case 'StorageClass':
      return row.storageClass ?? STANDARD
    case 'IsMultipartUploaded':
      return String(summary?.etag.includes('-') ?? '')
    case 'ChecksumAlgorithm':
      return summary?.checksum?.algorithm.toUpperCase() ?? ''
    case 'ReplicationStatus':
      return row.replicationStatus ?? ''
    case 'ObjectOwner':
      return row.owner?.id ?? source.ownerId
  }
}
