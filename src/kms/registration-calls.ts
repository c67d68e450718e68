import type { KmsContext } from './context.ts'
import { requireKey } from './context.ts'
import type { Door, KmsCaller } from './door.ts'
import { type Page, type PageOf, pageOf } from './read-keys.ts'
import {
  changeRegistration,
  deregister,
  type NewRegistration,
  type RegisteredAt,
  type RegistrationChange,
  register,
  replaceRegistration,
} from './registering.ts'
import { assertOwnResource } from './registrations.ts'
import {
  type RegistrationFilter,
  type RegistrationView,
  registrationView,
  selectRegistrations,
} from './select-registrations.ts'

/** For services, about what is theirs: throw ServiceOnly, ForeignResource, InvalidField. */
export interface RegistrationCalls {
  /** A repeat renews it. */
  readonly register: (caller: KmsCaller, key: string, registration: NewRegistration) => Promise<RegistrationView>
  /** What is not said stays. Throws RegistrationNotFound. */
  readonly changeRegistration: (
    caller: KmsCaller,
    key: string,
    resourceCrn: string,
    change: RegistrationChange,
  ) => Promise<RegistrationView>
  /** What is not said goes. Throws RegistrationNotFound. */
  readonly replaceRegistration: (
    caller: KmsCaller,
    key: string,
    registration: NewRegistration,
  ) => Promise<RegistrationView>
  /** A service takes back what it registered also when it is no longer authorized: it must not bind the key for ever. */
  readonly deregister: (caller: KmsCaller, key: string, resourceCrn: string) => Promise<void>
  /** For everybody. Of one key, or of all keys that the caller may see. */
  readonly listRegistrations: (
    caller: KmsCaller,
    key: string | undefined,
    filter: RegistrationFilter,
    page: Page,
  ) => PageOf<RegistrationView>
}

export function registrationCalls(context: KmsContext, door: Door): RegistrationCalls {
  const view = ({ principal }: KmsCaller, { entry, record }: RegisteredAt) => registrationView(entry, record, principal)
  return {
    register: (caller, key, registration) =>
      door.later(caller, 'kms.registrations.create', key, async ({ actor }) => {
        assertOwnResource(caller.principal, registration.resourceCrn)
        return view(caller, await register(context, actor, key, registration))
      }),
    changeRegistration: (caller, key, resourceCrn, change) =>
      door.later(caller, 'kms.registrations.write', key, async ({ actor }) => {
        assertOwnResource(caller.principal, resourceCrn)
        return view(caller, await changeRegistration(context, actor, key, resourceCrn, change))
      }),
    replaceRegistration: (caller, key, registration) =>
      door.later(caller, 'kms.registrations.write', key, async ({ actor }) => {
        assertOwnResource(caller.principal, registration.resourceCrn)
        return view(caller, await replaceRegistration(context, actor, key, registration))
      }),
    deregister: (caller, key, resourceCrn) =>
      door.later(
        caller,
        'kms.registrations.delete',
        key,
        async ({ actor }) => {
          assertOwnResource(caller.principal, resourceCrn)
          await deregister(context, actor, key, resourceCrn)
        },
        'identified',
      ),
    listRegistrations: (caller, key, filter, page) =>
      key === undefined
        ? door.list(caller, 'kms.registrations.list', ({ instance, sees }) =>
            pageOf(selectRegistrations(context, caller.principal, instance.guid, sees, filter), page),
          )
        : door.now(caller, 'kms.registrations.list', key, ({ instance }) => {
            const entry = requireKey(context, instance.guid, key)
            return pageOf(selectRegistrations(context, caller.principal, instance.guid, entry, filter), page)
          }),
  }
}
