import { type Api, defineApi } from '../common/api.ts'
import { jsonOperations, noBody } from '../common/json-operation.ts'
import { plainProtocol } from '../common/plain-protocol.ts'

/** What anybody may know of the key that signs the audit log. */
export interface AuditPublicKey {
  readonly keyId: string
  readonly publicKeyPem: string
}

/** `GET /audit/public-key`: PEM, as `coffer audit verify --public-key` takes it. No secret, so nobody is asked who he is. */
export function auditApi({ keyId, publicKeyPem }: AuditPublicKey): Api {
  return defineApi(plainProtocol('audit', ['/audit']), [
    jsonOperations<undefined>()({
      name: 'GetAuditPublicKey',
      method: 'GET',
      path: '/audit/public-key',
      anonymous: true,
      body: noBody,
      run: async () => ({
        status: 200,
        headers: { 'Content-Type': 'application/x-pem-file', 'X-Audit-Key-Id': keyId },
        body: publicKeyPem,
      }),
    }),
  ])
}
