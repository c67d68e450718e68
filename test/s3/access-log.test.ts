import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clientAddressBehind } from '../../src/api/common/client-address.ts'
import { NO_LIMITS, throttle } from '../../src/api/common/throttle.ts'
import { firewallTest } from '../../src/api/s3/firewall.ts'
import { type AccessEntry, createS3Handler } from '../../src/api/s3/handler.ts'
import { createS3Server } from '../../src/api/s3/listener.ts'
import { systemClock } from '../../src/base/clock.ts'
import { noAudit } from '../../src/observe/audit-trail.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { exchange, openSocket } from '../support/socket.ts'

const unused = (): never => {
  throw new Error('nobody is let in here')
}

const logged: AccessEntry[] = []
let test: ObjectHouse
let url: string
beforeAll(async () => {
  test = await startObjectHouse()
  const iam = {
    findCredential: unused,
    verifyToken: unused,
    decide: unused,
    instance: unused,
    instances: unused,
    owner: unused,
    accounts: unused,
    accountsOfEmail: unused,
    mandates: { of: unused, principal: unused },
  }
  const handler = createS3Handler({
    throttle: throttle(NO_LIMITS),
    objects: test.house.objects,
    iam,
    identities: { idOf: unused, arnOf: unused },
    query: unused,
    clock: systemClock,
    domains: [],
    websiteDomains: [],
    settings: {
      ...{ region: 'us-south', serviceRootKeyCrn: '', storageClasses: ['STANDARD'], notificationTargets: [] },
      replicationTargets: [],
      ...{ accountRootKey: async () => '', customerKeysOverHttp: true, bucketDefaults: 'aws' },
    },
    clientAddress: clientAddressBehind([]),
    firewall: firewallTest([]),
    activity: noAudit,
    log: { access: (entry) => logged.push(entry), fault: unused },
  })
  const server = createS3Server(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return () => server.close()
})
afterAll(() => test[Symbol.asyncDispose]())

it('says 499 of a client that left before it had an answer, and the status of every answer', async () => {
  const socket = await openSocket(url)
  socket.write('POST /b HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=x\r\n')
  socket.write('Content-Length: 100\r\n\r\n--x\r\n')
  await new Promise((resolve) => void setTimeout(resolve, 50))
  socket.destroy()
  await expect.poll(() => logged).toHaveLength(1)
  expect(logged[0]).toMatchObject({ status: 499, method: 'POST', bucket: 'b' })

  await exchange(url, 'GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
  expect(logged[1]).toMatchObject({ status: 404, code: 'NoSuchBucket', iamId: 'anonymous' })
})
