import { type Crn, type CrnErrorCode, formatCrn, parseCrn } from '../../base/crn.ts'
import { hasCode } from '../../base/errors.ts'
import type { KeyProviderErrorCode } from '../../envelope/key-provider.ts'
import type { Bucket } from '../../objects/buckets.ts'
import type { RootKeyChoice } from '../../objects/encrypting.ts'
import { isOfRegion } from '../common/root-key-use.ts'
import { S3Error } from './error-codes.ts'
import type { OperationContext, StoreSettings } from './operation.ts'

/** A root key, and the name that clients are told of it. */
export interface NamedRootKey extends RootKeyChoice {
  readonly keyName: string
}

interface Context extends Pick<OperationContext, 'objects' | 'mayUseRootKey' | 'keyInstances'> {
  readonly settings: Pick<StoreSettings, 'region' | 'serviceRootKeyCrn' | 'accountRootKey'>
}

/** AWS's name of an account's own key. */
const ACCOUNT_ALIAS = 'alias/aws/s3'
/** What a key service takes for an id or an alias. */
const NAME = /^[A-Za-z0-9_-]{2,90}$/
const ARN = /^arn:[a-z-]+:kms:([a-z0-9-]*):([^:/]*):(key\/|alias\/)(.+)$/

/**
 * The root key that a client means: by CRN, whose last part may be an alias, by id or alias of a key in the bucket's account,
 * bare or as AWS writes it (`alias/name`, `arn:aws:kms:region:account:key/id`). Throws KMS.NotFoundException, AccessDenied
 * and what the key provider throws.
 */
export async function rootKeyNamed(keyName: string, bucket: Bucket, context: Context): Promise<NamedRootKey> {
  if (keyName.startsWith('crn:')) {
    const rootKeyCrn = await byCrn(keyName, bucket, context)
    return { rootKeyCrn, encryption: 'customer-managed', keyName }
  }
  const name = plainName(keyName, bucket, context)
  if (name === ACCOUNT_ALIAS) return accountRootKey(bucket, context)
  for (const { crn } of context.keyInstances(accountOf(bucket))) {
    const named = formatCrn({ ...parseCrn(crn), resourceType: 'key', resource: name })
    const rootKeyCrn = await found(named, bucket, context)
    if (rootKeyCrn !== undefined) return { rootKeyCrn, encryption: 'customer-managed', keyName }
  }
  const own = await accountRootKey(bucket, context)
  if (parseCrn(own.rootKeyCrn).resource === name) return own
  throw notFound(keyName)
}

/** All names that conditions of policies may know the key by that is named so; only this one if the caller has no such key. */
export async function namesOfRootKey(keyName: string, bucket: Bucket, context: Context): Promise<readonly string[]> {
  const key = await rootKeyNamed(keyName, bucket, context).catch((error: unknown) => {
    if (error instanceof S3Error) return undefined
    // The request fails by it later, and tells it only to whom it may be told.
    if (hasCode<KeyProviderErrorCode>(error, 'RootKeyNotFound', 'RootKeyDisabled', 'KeyAccessDenied')) return undefined
    throw error
  })
  if (!key) return [keyName]
  return allNames(keyName, key.rootKeyCrn, context.settings.region)
}

/** Of a key that somebody calls `keyName`. */
export function allNames(keyName: string, rootKeyCrn: string, region: string): readonly string[] {
  const { account, resource } = parseCrn(rootKeyCrn)
  return [keyName, rootKeyCrn, resource, `arn:aws:kms:${region}:${account}:key/${resource}`]
}

/** The key of the bucket's account for whoever asks for one and names none. */
export async function accountRootKey(bucket: Bucket, { settings }: Pick<Context, 'settings'>): Promise<NamedRootKey> {
  const account = accountOf(bucket)
  const rootKeyCrn = await settings.accountRootKey(account)
  const keyName = `arn:aws:kms:${settings.region}:${account}:key/${parseCrn(rootKeyCrn).resource}`
  return { rootKeyCrn, encryption: 'provider-managed', keyName }
}

const accountOf = ({ serviceInstanceCrn }: Bucket): string => parseCrn(serviceInstanceCrn).account

function plainName(keyName: string, bucket: Bucket, { settings }: Context): string {
  const [, region, account, kind, resource] = ARN.exec(keyName) ?? []
  if (kind === undefined) return nameIn(keyName, keyName)
  if (region !== '' && region !== settings.region) throw notFound(keyName, `Invalid arn ${region}`)
  if (account !== '' && account !== accountOf(bucket)) throw new S3Error('AccessDenied')
  return nameIn(kind === 'alias/' ? `alias/${resource}` : (resource ?? ''), keyName)
}

function nameIn(text: string, keyName: string): string {
  if (text === ACCOUNT_ALIAS) return text
  const name = text.replace(/^alias\//, '')
  if (NAME.test(name)) return name
  throw notFound(keyName)
}

async function byCrn(keyName: string, bucket: Bucket, context: Context): Promise<string> {
  const { service, instance, resourceType, resource } = crnOf(keyName)
  // The service's own keys are nobody's to name.
  const own = parseCrn(context.settings.serviceRootKeyCrn).instance === instance
  if (service !== 'kms' || resourceType !== 'key' || !NAME.test(resource) || own) throw notFound(keyName)
  if (!isOfRegion(keyName, bucket.locationConstraint, context.settings.region)) throw notFound(keyName)
  if (!context.mayUseRootKey(keyName, accountOf(bucket))) throw new S3Error('AccessDenied')
  const rootKeyCrn = await context.objects.findRootKey(bucket, keyName).catch((error: unknown) => {
    throw hasCode<KeyProviderErrorCode>(error, 'RootKeyNotFound') ? notFound(keyName) : error
  })
  if (!context.mayUseRootKey(rootKeyCrn, accountOf(bucket))) throw new S3Error('AccessDenied')
  return rootKeyCrn
}

function crnOf(text: string): Crn {
  try {
    return parseCrn(text)
  } catch (error) {
    if (hasCode<CrnErrorCode>(error, 'InvalidCrn')) throw notFound(text)
    throw error
  }
}

/** Undefined also for a key that the caller may not see: he cannot tell it from one that there is not. */
async function found(named: string, bucket: Bucket, context: Context): Promise<string | undefined> {
  if (!isOfRegion(named, bucket.locationConstraint, context.settings.region)) return undefined
  try {
    const rootKeyCrn = await context.objects.findRootKey(bucket, named)
    return context.mayUseRootKey(rootKeyCrn, accountOf(bucket)) ? rootKeyCrn : undefined
  } catch (error) {
    if (hasCode<KeyProviderErrorCode>(error, 'RootKeyNotFound', 'KeyAccessDenied')) return undefined
    throw error
  }
}

const notFound = (keyName: string, message = `Invalid keyId '${keyName}'`): S3Error =>
  new S3Error('KMS.NotFoundException', message)
