import { type Action, IAM_ACTIONS, KMS_ACTIONS } from './actions.ts'
import { OBJECT_STORAGE_NAMES } from './object-storage-actions.ts'
import type { ServiceName } from './principal.ts'
import { isServiceOnly } from './role-actions.ts'

const byName = (actions: readonly Action[]): ReadonlyMap<string, readonly Action[]> =>
  new Map(actions.filter((action) => !isServiceOnly(action)).map((action) => [action, [action]]))

/** What a user may be given in each service, by the name that roles show. */
const CATALOG: Readonly<Record<ServiceName, ReadonlyMap<string, readonly Action[]>>> = {
  kms: byName(KMS_ACTIONS),
  'cloud-object-storage': new Map(
    Array.from(OBJECT_STORAGE_NAMES, ([name, actions]) => [`cloud-object-storage.${name}`, actions]),
  ),
  iam: byName(IAM_ACTIONS),
}

/** Undefined when the service has no such action that a user may be given. */
export const actionsNamed = (service: ServiceName, name: string): readonly Action[] | undefined =>
  CATALOG[service].get(name)

/** The names of the service's actions of which all parts are allowed. */
export const namesOfActions = (service: ServiceName, allows: (action: Action) => boolean): readonly string[] =>
  Array.from(CATALOG[service])
    .filter(([, actions]) => actions.every(allows))
    .map(([name]) => name)
