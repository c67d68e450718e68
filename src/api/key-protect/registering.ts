import { hasCode } from '../../base/errors.ts'
import { kmsError } from '../../kms/errors.ts'
import type { RegistrationChange } from '../../kms/registering.ts'
import type { RegistrationView } from '../../kms/select-registrations.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import type { KeyProtectContext } from './context.ts'
import { collection } from './envelope.ts'
import { protocolError } from './errors.ts'
import { registrationResource } from './registration-resource.ts'

interface RegistrationMembers {
  readonly preventKeyDeletion?: boolean | undefined
  readonly description?: string | undefined
  readonly registrationMetadata?: string | undefined
  readonly keyVersionId?: string | undefined
}

export const registrationChange = (members: RegistrationMembers): RegistrationChange => {
  const { preventKeyDeletion, description, registrationMetadata, keyVersionId } = members
  return {
    ...(preventKeyDeletion === undefined ? {} : { preventKeyDeletion }),
    ...(description === undefined ? {} : { description }),
    ...(registrationMetadata === undefined ? {} : { registrationMetadata }),
    ...(keyVersionId === undefined ? {} : { keyVersionId }),
  }
}

/** What a service does to a registration of its own, answered with the registration. Key Protect keeps it to services. */
export async function answerRegistration(
  request: ApiRequest,
  context: KeyProtectContext,
  status: number,
  act: (key: string, resourceCrn: string) => Promise<RegistrationView>,
): Promise<Reply> {
  assertService(context)
  try {
    const view = await act(request.param('id'), request.param('resourceCrn'))
    return json(status, collection('registration', [registrationResource(view)]))
  } catch (error) {
    throw registrationError(error)
  }
}

/** Throws ServiceOnly. */
export function assertService({ caller }: Pick<KeyProtectContext, 'caller'>): void {
  if (caller.principal.type !== 'service') throw kmsError('ServiceOnly', 'registrations are a matter of services')
}

/** Key Protect: what a key must be to be registered at has codes of its own. */
function registrationError(error: unknown): unknown {
  if (hasCode(error, 'RootKeyRequired')) {
    return protocolError('RegistrationRootKeyRequired', 'a registration needs a root key')
  }
  if (hasCode(error, 'InvalidKeyState')) return protocolError('RegistrationKeyState', error.message, error.details)
  return error
}
