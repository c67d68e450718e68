import { CodedError, hasCode } from '../base/errors.ts'
import { type BootstrapAccount, type BootstrapAuthorization, parseBootstrap } from './bootstrap-schema.ts'
import type { IamErrorCode } from './errors.ts'
import type { Iam } from './iam.ts'
import type { Instance } from './instances.ts'
import type { ServiceName } from './principal.ts'

const BY = 'bootstrap'

/**
 * Declares what the document says. Applied at every start: what is there and equal is not written again, what differs
 * is replaced, what the document does not name stays. Throws BootstrapInvalid for a document that is not valid or
 * that contradicts what is there; everything before the contradiction has then been applied. While stored rows are
 * damaged, an account or authorization that cannot be declared is skipped instead.
 */
export async function applyBootstrap(
  iam: Iam,
  json: unknown,
  onSkipped: (error: Error) => void = () => {},
): Promise<void> {
  const { accounts, authorizations } = parseBootstrap(json)
  const apply = (path: string, act: () => Promise<void>) => unlessDamaged(iam, onSkipped, () => at(path, act))
  for (const [index, account] of accounts.entries()) await apply(`accounts[${index}]`, () => applyAccount(iam, account))
  for (const [index, one] of authorizations.entries())
    await apply(`authorizations[${index}]`, () => applyAuthorization(iam, one))
}

/** What a damaged row keeps from being declared hinders no start: what could be read of it serves as it is. */
async function unlessDamaged(
  { damagedRows }: Pick<Iam, 'damagedRows'>,
  onSkipped: (error: Error) => void,
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (damagedRows() === 0 || !hasCode(error, 'BootstrapInvalid', 'IamStateDamaged')) throw error
    onSkipped(error)
  }
}

async function applyAccount(
  { identities }: Iam,
  { id, name, canonicalId, instances, users }: BootstrapAccount,
): Promise<void> {
  await identities.putAccount({ id, name, canonicalId })
  for (const [index, { id: guid, ...instance }] of instances.entries()) {
    await at(`instances[${index}]`, () => identities.putInstance({ ...instance, guid, accountId: id }))
  }
  for (const [index, { hmac, apiKeys, ...user }] of users.entries()) {
    const owner = { accountId: id, iamId: user.iamId }
    await at(`users[${index}]`, () => identities.putUser({ ...user, accountId: id }))
    for (const [pairIndex, pair] of hmac.entries()) {
      await at(`users[${index}].hmac[${pairIndex}]`, () => identities.putCredential(owner, pair))
    }
    for (const [keyIndex, apiKey] of apiKeys.entries()) {
      await at(`users[${index}].apiKeys[${keyIndex}]`, () => identities.putApiKey(owner, apiKey))
    }
  }
}

async function applyAuthorization(iam: Iam, { source, target, roles }: BootstrapAuthorization): Promise<void> {
  const from = await at('source', async () => requireInstance(iam, source))
  const to = await at('target', async () => requireInstance(iam, target))
  const draft = {
    accountId: to.accountId,
    source: { serviceName: from.service, accountId: from.accountId, serviceInstance: from.guid },
    target: { serviceName: to.service, serviceInstance: { value: to.guid, operator: 'stringEquals' as const } },
    roles,
  }
  try {
    await iam.authorizations.create(draft, BY)
  } catch (error) {
    // An equal one is there: declared by an earlier start, or by hand.
    if (!hasCode(error, 'PolicyConflict')) throw error
  }
}

function requireInstance(
  iam: Iam,
  { service, instance }: { readonly service: ServiceName; readonly instance: string },
): Instance {
  const found = iam.instance(instance)
  if (found?.service === service && iam.account(found.accountId)) return found
  throw new CodedError<IamErrorCode>('UnknownInstance', `there is no ${service} instance ${instance}`)
}

const MENDABLE = [
  'IdentityConflict',
  'IdentityInvalid',
  'UnknownAccount',
  'UnknownInstance',
  'PolicyInvalid',
  'BootstrapInvalid',
] as const

/** Says where in the document it went wrong. */
async function at<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    if (!hasCode(error, ...MENDABLE)) throw error
    const separator = error.code === 'BootstrapInvalid' ? '.' : ': '
    throw new CodedError<IamErrorCode>('BootstrapInvalid', `${path}${separator}${error.message}`, { cause: error })
  }
}
