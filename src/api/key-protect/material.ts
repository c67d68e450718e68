import { invalidField } from '../../kms/errors.ts'
import type { IncomingMaterial } from '../../kms/receive-material.ts'
import { TRANSPORT_ALGORITHMS, type TransportAlgorithm } from '../../kms/transport.ts'
import { fromBase64, type NewKeyResource } from './bodies.ts'

type MaterialMembers = Pick<NewKeyResource, 'payload' | 'encryptedNonce' | 'iv' | 'encryptionAlgorithm'>

/**
 * The key material in a body, if any, as it is or under the instance's import token. An empty member is no absent one: who
 * sends an empty payload meant to bring material, and gets no generated key for it. Throws InvalidField.
 */
export function materialOf({ payload, encryptedNonce, iv, encryptionAlgorithm }: MaterialMembers): IncomingMaterial {
  if (encryptedNonce === undefined && iv === undefined && encryptionAlgorithm === undefined) {
    if (payload === '')
      throw invalidField('payload', 'key material as base64, or no payload for a key that is made here')
    return payload === undefined ? {} : { payload: fromBase64('payload', payload) }
  }
  return {
    transported: {
      payload: required('payload', payload),
      encryptedNonce: required('encryptedNonce', encryptedNonce),
      iv: required('iv', iv),
      algorithm: algorithmOf(encryptionAlgorithm),
    },
  }
}

function required(field: string, text: string | undefined): Buffer {
  if (!text) throw invalidField(field, 'material under an import token has payload, encryptedNonce and iv')
  return fromBase64(field, text)
}

function algorithmOf(name: string | undefined): TransportAlgorithm {
  const algorithm = TRANSPORT_ALGORITHMS.find((known) => known === (name ?? 'RSAES_OAEP_SHA_256'))
  if (!algorithm) throw invalidField('encryptionAlgorithm', TRANSPORT_ALGORITHMS.join(' or '))
  return algorithm
}
