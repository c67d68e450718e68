import type { NewMaterial } from './change-state.ts'
import type { KmsContext } from './context.ts'
import type { TransportedMaterial } from './transport.ts'

/** Key material that comes with a call: as it is, or under the instance's import token. */
export interface IncomingMaterial extends NewMaterial {
  /** Instead of `payload`. */
  readonly transported?: TransportedMaterial
}

/** `act` with the material in clear, which is zeroed. Throws ImportTokenExpired, IncorrectNonce, IncorrectNonceIv, InvalidField. */
export async function withMaterial<Incoming extends IncomingMaterial, T>(
  { importTokens }: KmsContext,
  instanceId: string,
  incoming: Incoming,
  act: (material: Omit<Incoming, 'transported'>) => Promise<T>,
): Promise<T> {
  const { transported, ...material } = incoming
  if (!transported) return act(material)
  const payload = await importTokens.receive(instanceId, transported)
  try {
    return await act({ ...material, payload, secureImport: true })
  } finally {
    payload.fill(0)
  }
}
