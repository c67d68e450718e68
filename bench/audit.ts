import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditEvent } from '../src/audit/event.ts'
import { openSigningKey, readPublicKeys } from '../src/audit/keys.ts'
import { openAuditLog } from '../src/audit/log.ts'
import { verifyLog } from '../src/audit/verify.ts'

/**
 * What an audited use of a data key costs: the call in the request, and all of it, until it is durable, in CPU time of the
 * process. And how fast a log verifies. `node bench/audit.ts`
 */
const EVENTS = 20_000
const ROUNDS = 5

const crn = (service: string, rest: string) => `crn:v1:bluemix:public:${service}:a/${'1'.repeat(32)}:${rest}`
const event = (n: number): AuditEvent => ({
  ...{ kind: 'data-key', action: 's3.GetObject', outcome: 'success', use: 'unwrap', dataKey: 'object' },
  ...{ iamId: 'IBMid-main', reason: 'role Manager', requestId: '0123456789ABCDEF', sourceIp: '127.0.0.1' },
  service: crn('cloud-object-storage:global', '11111111-0000-4000-8000-000000000001::'),
  target: crn('cloud-object-storage:global', '11111111-0000-4000-8000-000000000001:bucket:photos'),
  object: `2030/01/01/picture-${n}.jpeg`,
  key: crn('kms:us-south', '11111111-0000-4000-8000-000000000002:key:22222222-0000-4000-8000-000000000002'),
  keyVersion: '33333333-0000-4000-8000-000000000003',
})

const home = await mkdtemp(join(tmpdir(), 'coffer-audit-'))
const directory = join(home, 'audit')
const key = openSigningKey(Buffer.alloc(32, 1))
const log = await openAuditLog({
  directory,
  key,
  clock: { now: Date.now },
  fileBytes: 64 * 1024 ** 2,
  maxBytes: 1024 ** 3,
  onFailure: (error) => {
    throw error
  },
  onTrouble: console.error,
})
const micros = (value: number): string => `${((value * 1000) / EVENTS).toFixed(2)} µs`

for (let round = 1; round <= ROUNDS; round++) {
  const cpu = process.cpuUsage()
  const started = performance.now()
  for (let n = 0; n < EVENTS; n++) {
    log.ready()
    log.record(event(n))
  }
  const recorded = performance.now() - started
  await log.settled()
  const { user, system } = process.cpuUsage(cpu)
  console.log(
    `${EVENTS} events: in the request ${micros(recorded)}, in all ${micros((user + system) / 1000)} of CPU each`,
  )
}
const before = performance.now()
for (let n = 0; n < 200; n++) await log.settled()
const empty = (performance.now() - before) / 200
const waiting = performance.now()
for (let n = 0; n < 200; n++) {
  log.record(event(n))
  await log.settled()
}
const change = (performance.now() - waiting) / 200
console.log(
  `a change waits ${change.toFixed(2)} ms to be durable and signed (${empty.toFixed(2)} ms with nothing to write)`,
)
await log.close()

const started = performance.now()
const report = await verifyLog({
  source: { type: 'directory', path: directory },
  keys: readPublicKeys(key.publicKeyPem),
})
const seconds = (performance.now() - started) / 1000
console.log(
  `${report.outcome}: ${report.lines} lines in ${seconds.toFixed(2)} s, ${Math.round(report.lines / seconds)} lines/s`,
)
await rm(home, { recursive: true })
