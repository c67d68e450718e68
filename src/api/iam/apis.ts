import type { Iam } from '../../iam/iam.ts'
import type { InUse } from '../../iam/resource-instances.ts'
import { type Api, defineApi } from '../common/api.ts'
import { type ClientAddress, clientAddressBehind } from '../common/client-address.ts'
import { callAudit } from './audit.ts'
import { entityProtocol } from './entity-protocol.ts'
import { identityProtocol } from './identity-protocol.ts'
import { notImplementedPolicyCalls } from './not-implemented.ts'
import * as apiKeys from './operations/api-keys/index.ts'
import * as operations from './operations/index.ts'
import * as resourceInstances from './operations/resource-instances/index.ts'
import * as resourceKeys from './operations/resource-keys/index.ts'
import * as serviceIds from './operations/service-ids/index.ts'
import * as signingKeys from './operations/signing-keys/index.ts'
import * as users from './operations/users/index.ts'
import { policyProtocol } from './policy-protocol.ts'
import { resourceProtocol } from './resource-protocol.ts'
import { userProtocol } from './user-protocol.ts'

export interface IamApisOptions {
  readonly inUse: InUse
  /** Default: the address of the connection. */
  readonly clientAddress?: ClientAddress
}

/** `/identity/*`, policies, identities and credentials: several APIs, because each tells its errors in its own way. */
export function iamApis(iam: Iam, { inUse, clientAddress = clientAddressBehind([]) }: IamApisOptions): readonly Api[] {
  const audit = callAudit(iam.audit, clientAddress)
  const { createIdentityToken, createOidcToken, getKeys, getOpenidConfiguration, ...policies } = operations
  return [
    defineApi(identityProtocol(iam, audit), [createIdentityToken, createOidcToken, getKeys, getOpenidConfiguration]),
    defineApi(policyProtocol(iam, audit), [...Object.values(policies), ...notImplementedPolicyCalls]),
    defineApi(userProtocol(iam, audit), Object.values(users)),
    defineApi(resourceProtocol(iam, inUse, audit), [
      ...Object.values(resourceInstances),
      ...Object.values(resourceKeys),
    ]),
    defineApi(entityProtocol(iam, audit), [
      ...Object.values(serviceIds),
      ...Object.values(apiKeys),
      ...Object.values(signingKeys),
    ]),
  ]
}
