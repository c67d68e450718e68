import { S3Error } from './error-codes.ts'

/** IBM: `<location>-<class>`, e.g. us-south-standard. Cross-region locations keep their keys in one region of theirs. */
const IBM = /^([a-z0-9-]+?)-(standard|vault|cold|smart|flex|onerate_active)$/
const IBM_LOCATIONS = new Set(
  'us us-east us-south us-west eu eu-gb eu-de eu-es ap jp-tok jp-osa au-syd br-sao ca-tor ca-mon in-che in-mum ams03 che01 mon01 par01 sjc04 sng01 mil01'.split(
    ' ',
  ),
)
const KEY_REGION: Readonly<Record<string, string>> = { us: 'us-south', eu: 'eu-de', ap: 'jp-tok' }
/** AWS: `eu-west-1` and its like, or the ancient `EU`. */
const AWS = /^([a-z]{2}(-[a-z]+)+-\d|EU)$/

/** One store is one place: any location that a client may name is taken and given back; nonsense is refused. */
export function checkLocation(constraint: string, region: string): void {
  const ibm = IBM.exec(constraint)?.[1] ?? constraint
  if (constraint === '' || constraint === region || IBM_LOCATIONS.has(ibm) || AWS.test(constraint)) return
  throw new S3Error('InvalidLocationConstraint', undefined, { extra: { LocationConstraint: constraint } })
}

/** Region in which a root key for a bucket at this location must be; undefined when the location says nothing of IBM's regions. */
export function keyRegion(constraint: string): string | undefined {
  const location = IBM.exec(constraint)?.[1] ?? constraint
  return IBM_LOCATIONS.has(location) ? (KEY_REGION[location] ?? location) : undefined
}
