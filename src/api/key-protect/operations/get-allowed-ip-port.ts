import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { collection } from '../envelope.ts'
import { allowedPortReply } from '../reply-schemas.ts'

/** Key Protect gives each instance a port on its private endpoint; here all come to the one that the question came to. */
export const getAllowedIpPort = defineOperation({
  name: 'GetAllowedIPPort',
  method: 'GET',
  path: '/api/v2/instance/allowed_ip_port',
  action: 'kms.instance-allowed-ip-port.read',
  body: noBody,
  reply: allowedPortReply,
  run: async ({ request }, { kms, caller }) => {
    kms.admitToPort(caller)
    return json(200, collection('allowed_ip_metadata', [{ private_endpoint_port: request.localPort }]))
  },
})
