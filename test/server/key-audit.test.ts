import { PassThrough } from 'node:stream'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { keyAudit } from '../../src/server/key-audit.ts'

it('a refused use of a key is in the log of an ordinary server, a successful one only when asked for', () => {
  const stream = new PassThrough({ encoding: 'utf8' })
  const audit = keyAudit(pino({ level: 'info' }, stream))
  const event = { atMs: 1, action: 'kms.secrets.unwrap', iamId: 'IBMid-x', instance: 'keys', key: 'id' } as const
  audit({ ...event, outcome: 'success' })
  audit({ ...event, outcome: 'failure', code: 'Unauthorized', reason: 'no authorization' })
  const lines = String(stream.read()).trim().split('\n')
  expect(lines).toHaveLength(1)
  const refused = { ...event, outcome: 'failure', code: 'Unauthorized', reason: 'no authorization' }
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 40, audit: refused, msg: 'kms.secrets.unwrap' })
})
