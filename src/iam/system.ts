import { formatCrn } from '../base/crn.ts'
import { conflict, invalid } from './errors.ts'
import type { Instance } from './instances.ts'
import type { ServiceName } from './principal.ts'
import type { SystemAuthorization } from './records.ts'
import type { IamState } from './state.ts'

/** Owner of the server's own instances. No user belongs to it and nothing outside may declare it. */
export const SYSTEM_ACCOUNT_ID = '0'.repeat(32)

export interface SystemInstanceDeclaration {
  readonly service: ServiceName
  /** Lower-case UUID. */
  readonly guid: string
  readonly name: string
  readonly region: string
}

/** Repeating it with the same values is fine. Throws IdentityConflict when an account's instance has the id. */
export function declareSystemInstance(
  { instances, systemInstances }: IamState,
  declared: SystemInstanceDeclaration,
): Instance {
  const { service, guid, name, region } = declared
  if (instances.get(guid)) throw conflict(`instance ${guid} belongs to an account`)
  const crn = formatCrn({ service, region, account: SYSTEM_ACCOUNT_ID, instance: guid })
  const instance = { crn, guid, service, region, accountId: SYSTEM_ACCOUNT_ID, name }
  systemInstances.set(guid, instance)
  return instance
}

export function declareSystemAuthorization(state: IamState, authorization: SystemAuthorization): void {
  if (!state.systemInstances.has(authorization.target.instance))
    throw invalid('a system authorization is for a system instance')
  state.systemAuthorizations.push(authorization)
}
