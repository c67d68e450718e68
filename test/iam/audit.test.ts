import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createControlListener } from '../../src/api/common/listener.ts'
import { iamApis } from '../../src/api/iam/apis.ts'
import { CodedError } from '../../src/base/errors.ts'
import type { IamAuditEvent } from '../../src/iam/audit.ts'
import type { AuditErrorCode } from '../../src/observe/audit-trail.ts'
import { ACCOUNT, KEYS, OBJECTS, serveIam, type TestServer } from './serve.ts'

const events: IamAuditEvent[] = []
let settled = 0
let full = false
const audit = {
  ready: () => {
    if (full) throw new CodedError<AuditErrorCode>('AuditUnavailable', 'full')
  },
  record: (event: IamAuditEvent) => void events.push(event),
  settled: async () => void settled++,
}

let server: TestServer
let url: string
let close: () => Promise<void>
beforeAll(async () => {
  server = await serveIam()
  const listener = createControlListener({
    apis: iamApis({ ...server.iam, audit }, { inUse: () => false }),
    health: { live: () => ({ ok: true }), ready: () => ({ ok: true }) },
    logger: { info: () => {}, error: () => {} },
  })
  const { host, port } = await listener.listen({ host: '127.0.0.1', port: 0 })
  url = `http://${host}:${port}`
  close = () => listener.close(1000)
})
afterAll(async () => {
  await close()
  await server.close()
})
beforeEach(() => {
  events.length = 0
  settled = 0
  full = false
})

const tokenFor = (apikey: string) =>
  fetch(`${url}/identity/token`, {
    method: 'POST',
    headers: { 'Correlation-Id': 'theirs' },
    body: new URLSearchParams({ grant_type: 'urn:ibm:params:oauth:grant-type:apikey', apikey }),
  })
const policies = async (init: RequestInit, user = 'k1', path = '') =>
  fetch(`${url}/v1/policies${path}`, {
    ...init,
    headers: { Authorization: `Bearer ${await server.token(user)}`, 'Content-Type': 'application/json' },
  })
const policy = {
  type: 'authorization',
  subjects: [
    {
      attributes: [
        { name: 'serviceName', value: 'cloud-object-storage' },
        { name: 'serviceInstance', value: OBJECTS },
      ],
    },
  ],
  roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:Reader' }],
  resources: [
    {
      attributes: [
        { name: 'serviceName', value: 'kms' },
        { name: 'serviceInstance', value: KEYS },
        { name: 'accountId', value: ACCOUNT },
      ],
    },
  ],
}

describe('the audit trail of the IAM APIs', () => {
  it('says who got a token, and who was refused one, and never holds the key or the token', async () => {
    const { access_token: token } = JSON.parse(await (await tokenFor('k1')).text())
    expect((await tokenFor('stolen-key')).status).toBe(400)
    expect(events).toEqual([
      expect.objectContaining({ action: 'iam.CreateToken', outcome: 'success', iamId: 'IBMid-main' }),
      expect.objectContaining({ action: 'iam.CreateToken', outcome: 'failure', code: 'ApiKeyNotFound' }),
    ])
    expect(events[0]).toMatchObject({ correlationId: 'theirs', sourceIp: expect.stringContaining('127.0.0.1') })
    expect(JSON.stringify(events)).not.toContain('stolen-key')
    expect(JSON.stringify(events)).not.toContain(token)
  })

  it('has a change durably recorded before it is answered, by the id of what was made', async () => {
    const reply = await policies({ method: 'POST', body: JSON.stringify(policy) })
    const { id } = JSON.parse(await reply.text())
    const deleted = await policies({ method: 'DELETE' }, 'k1', `/${id}`)
    expect([reply.status, deleted.status]).toEqual([201, 204])
    expect(events).toEqual([
      expect.objectContaining({ action: 'iam.policy.create', outcome: 'success', iamId: 'IBMid-main', target: id }),
      expect.objectContaining({ action: 'iam.policy.delete', outcome: 'success', target: `/v1/policies/${id}` }),
    ])
    expect(settled).toBe(2)
  })

  it('says who was refused, and why', async () => {
    expect((await policies({ method: 'POST', body: JSON.stringify(policy) }, 'kr')).status).toBe(403)
    expect(events).toEqual([
      expect.objectContaining({
        ...{ action: 'iam.policy.create', outcome: 'failure', code: 'NotPermitted', iamId: 'IBMid-reader' },
        reason: expect.stringContaining('Viewer'),
      }),
    ])
  })

  it('stays silent about reading', async () => {
    await policies({}, 'k1', `?account_id=${ACCOUNT}`)
    await fetch(`${url}/identity/keys`)
    expect(events).toEqual([])
  })

  it('lets nothing be changed and no token be issued that cannot be recorded; reading goes on', async () => {
    full = true
    expect((await tokenFor('k1')).status).toBe(503)
    expect((await policies({ method: 'POST', body: JSON.stringify(policy) })).status).toBe(503)
    expect((await policies({}, 'k1', `?account_id=${ACCOUNT}`)).status).toBe(200)
    expect([...server.iam.policies.list(ACCOUNT)].filter(({ state }) => state === 'active')).toEqual([])
  })
})
