import {
  type BucketDetails,
  type BucketKeyState,
  getBucketUsage,
  listBucketDetails,
  type Totals,
} from '../../client/admin.ts'
import { keyLabel, listKeys, type RootKey } from '../../client/key-protect.ts'
import { getVersioning, headBucket, listBuckets, type Versioning } from '../../client/s3.ts'
import { type Instance, keyInstances, session } from '../../client/session.ts'
import { lastOfCrn, shortId } from '../../format.ts'

export interface Encryption {
  readonly kind: 'customer' | 'provider'
  /** The key's alias, or what is known of it. */
  readonly label: string
  /** As far as whoever is signed in may see them. */
  readonly key?: RootKey
  readonly instance?: Instance
}

/** What is left out may not be seen by whoever is signed in. */
export interface BucketRow {
  readonly name: string
  readonly createdAt: string
  readonly usage?: Totals
  readonly versioning?: Versioning
  readonly encryption?: Encryption
  readonly isLocked: boolean
}

export interface KnownKey {
  readonly key: RootKey
  readonly instance: Instance
}

/** In three requests, however many there are: but for those of which whoever is signed in may not know all. */
export async function readBuckets(signal: AbortSignal): Promise<readonly BucketRow[]> {
  const [listed, details, keys] = await Promise.all([
    listBuckets(signal),
    orNothing(listBucketDetails(signal)),
    readKeys(signal),
  ])
  const byName = new Map(details?.map((one) => [one.bucket, one]))
  return inTurns(listed, async ({ name, createdAt }) => {
    const known = byName.get(name)
    const facts = known ? factsOf(known, keys) : await factsOfOne(name, keys, signal)
    return { ...{ name, createdAt }, ...facts, isLocked: isLocked(facts.encryption, known) }
  })
}

type Facts = Pick<BucketRow, 'usage' | 'versioning' | 'encryption'>

const factsOf = ({ encryption, rootKeyCrn, usage, versioning }: BucketDetails, keys: readonly KnownKey[]): Facts => ({
  ...(usage ? { usage } : {}),
  ...(versioning ? { versioning } : {}),
  encryption:
    encryption === 'customer-managed'
      ? customerManaged(rootKeyCrn, keys)
      : { kind: 'provider', label: 'Provider-managed' },
})

async function factsOfOne(name: string, keys: readonly KnownKey[], signal: AbortSignal): Promise<Facts> {
  const [usage, versioning, headers] = await Promise.all([
    orNothing(getBucketUsage(name, signal)),
    orNothing(getVersioning(name, signal)),
    orNothing(headBucket(name, signal)),
  ])
  return {
    ...(usage ? { usage } : {}),
    ...(versioning ? { versioning } : {}),
    ...(headers ? { encryption: encryptionOf(headers, keys) } : {}),
  }
}

/** Of every instance that this process has, those that are deleted too: a bucket may still be under one. */
export async function readKeys(signal: AbortSignal): Promise<readonly KnownKey[]> {
  if (!session().halves.keys) return []
  const states = [0, 1, 2, 3, 5]
  const found = keyInstances().map(async (instance) =>
    ((await orNothing(listKeys(instance, { states, signal }))) ?? []).map((key) => ({ key, instance })),
  )
  return (await Promise.all(found)).flat()
}

function encryptionOf(headers: Headers, keys: readonly KnownKey[]): Encryption {
  const crn = headers.get('ibm-sse-kp-customer-root-key-crn') ?? headers.get('ibm-sse-kp-crk-id')
  return crn || headers.get('ibm-sse-kp-enabled') === 'true'
    ? customerManaged(crn ?? undefined, keys)
    : { kind: 'provider', label: 'Provider-managed' }
}

/** Which root key it is may be more than whoever is signed in may know. */
function customerManaged(crn: string | undefined, keys: readonly KnownKey[]): Encryption {
  if (crn === undefined) return { kind: 'customer', label: 'A root key' }
  const known = keys.find(({ key }) => key.crn === crn || key.id === crn)
  return known
    ? { kind: 'customer', label: keyLabel(known.key), ...known }
    : { kind: 'customer', label: shortId(lastOfCrn(crn)) }
}

const isLocked = (encryption: Encryption | undefined, state: BucketKeyState | undefined): boolean =>
  (encryption?.key !== undefined && encryption.key.state !== 1) ||
  state?.state === 'locked' ||
  state?.keys.some(({ refusal }) => refusal !== undefined) === true

const orNothing = <Value>(asked: Promise<Value>): Promise<Value | undefined> => asked.catch(() => undefined)

const AT_ONCE = 8

/** In their order, a few at a time. */
async function inTurns<From, To>(all: readonly From[], make: (one: From) => Promise<To>): Promise<readonly To[]> {
  const made: To[] = []
  for (let at = 0; at < all.length; at += AT_ONCE)
    made.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(make))))
  return made
}

/** Words of the name; `key:…` by its key, `is:locked`, `is:customer`, `is:provider`. */
export const matchesFilter = (row: BucketRow, filter: string): boolean =>
  filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => matchesWord(row, word))

function matchesWord({ name, encryption, isLocked: locked }: BucketRow, word: string): boolean {
  if (word.startsWith('key:')) return encryption?.label.toLowerCase().includes(word.slice(4)) === true
  if (word === 'is:locked') return locked
  if (word === 'is:customer' || word === 'is:provider') return encryption?.kind === word.slice(3)
  return name.includes(word)
}
