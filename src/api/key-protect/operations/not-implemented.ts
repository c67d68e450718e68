import type { JsonOperation, Method } from '../../common/json-operation.ts'
import { noBody } from '../../common/json-operation.ts'
import { defineOperation, type KeyProtectContext } from '../context.ts'
import { protocolError } from '../errors.ts'

type Call = readonly [name: string, method: Method, path: string]

/** Calls that Key Protect has and this server does not: refused by name, never answered by something else. */
const CALLS: readonly Call[] = [
  ['GetKmipAdapters', 'GET', 'kmip_adapters'],
  ['CreateKmipAdapter', 'POST', 'kmip_adapters'],
  ['GetKmipAdapter', 'GET', 'kmip_adapters/:adapter'],
  ['DeleteKmipAdapter', 'DELETE', 'kmip_adapters/:adapter'],
  ['GetKmipObjects', 'GET', 'kmip_adapters/:adapter/kmip_objects'],
  ['GetKmipObject', 'GET', 'kmip_adapters/:adapter/kmip_objects/:object'],
  ['DeleteKmipObject', 'DELETE', 'kmip_adapters/:adapter/kmip_objects/:object'],
  ['GetKmipClientCertificates', 'GET', 'kmip_adapters/:adapter/certificates'],
  ['AddKmipClientCertificate', 'POST', 'kmip_adapters/:adapter/certificates'],
  ['GetKmipClientCertificate', 'GET', 'kmip_adapters/:adapter/certificates/:certificate'],
  ['DeleteKmipClientCertificate', 'DELETE', 'kmip_adapters/:adapter/certificates/:certificate'],
]

export const notImplemented: readonly JsonOperation<KeyProtectContext>[] = CALLS.map(([name, method, path]) =>
  defineOperation({
    name,
    method,
    path: `/api/v2/${path}`,
    body: noBody,
    run: async () => {
      throw protocolError('NotImplemented', `${name} is not implemented`)
    },
  }),
)
