import type { KmsContext } from './context.ts'
import { kmsError } from './errors.ts'
import type { InstancePolicyType } from './instance-policies.ts'

type Incoming = {
  readonly extractable: boolean
  readonly payload?: Buffer | undefined
  readonly secureImport?: boolean | undefined
}

/** What the instance's policies say of a new key. Throws KeyAccessRestricted, KeyDamaged. */
export function assertCreatable(context: KmsContext, instanceId: string, key: Incoming): void {
  requireReadable(context, instanceId, ['keyCreateImportAccess', 'dualAuthDelete', 'rotation'])
  const { enabled, attributes = {} } = context.instances.policiesOf(instanceId).keyCreateImportAccess ?? {}
  if (!enabled) return
  const allowed = key.payload
    ? key.extractable
      ? attributes.importStandardKey
      : attributes.importRootKey
    : key.extractable
      ? attributes.createStandardKey
      : attributes.createRootKey
  if (allowed === false) throw restricted()
  assertImportedSafely(context, instanceId, key)
}

/** Key Protect: `enforce_token` holds whenever material comes in, at rotation and restoration too. Throws KeyAccessRestricted. */
export function assertImportedSafely(
  context: KmsContext,
  instanceId: string,
  { payload, secureImport }: Pick<Incoming, 'payload' | 'secureImport'>,
): void {
  if (payload) requireReadable(context, instanceId, ['keyCreateImportAccess'])
  const { enabled, attributes } = context.instances.policiesOf(instanceId).keyCreateImportAccess ?? {}
  if (enabled && attributes?.enforceToken && payload && !secureImport) throw restricted()
}

/** Throws KeyDamaged when nobody knows what these policies of the instance say. */
function requireReadable({ instances }: KmsContext, instanceId: string, types: readonly InstancePolicyType[]): void {
  const damaged = types.find((type) => instances.damagedPoliciesOf(instanceId).has(type))
  if (damaged === undefined) return
  throw kmsError(
    'KeyDamaged',
    `the instance policy ${damaged} is damaged: it has to be restored from a backup or set anew`,
  )
}

const restricted = () =>
  kmsError('KeyAccessRestricted', 'KeyCreateImportAccess instance policy does not allow this action')
