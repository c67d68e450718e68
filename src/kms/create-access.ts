import type { KmsContext } from './context.ts'
import { kmsError } from './errors.ts'

type Incoming = {
  readonly extractable: boolean
  readonly payload?: Buffer | undefined
  readonly secureImport?: boolean | undefined
}

/** What the instance's policy keyCreateImportAccess says of a new key. Throws KeyAccessRestricted. */
export function assertCreatable(context: KmsContext, instanceId: string, key: Incoming): void {
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
  const { enabled, attributes } = context.instances.policiesOf(instanceId).keyCreateImportAccess ?? {}
  if (enabled && attributes?.enforceToken && payload && !secureImport) throw restricted()
}

const restricted = () =>
  kmsError('KeyAccessRestricted', 'KeyCreateImportAccess instance policy does not allow this action')
