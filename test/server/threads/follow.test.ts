import { MessageChannel } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { follow } from '../../../src/server/threads/follow.ts'
import { type Handlers, openLine } from '../../../src/server/threads/line.ts'
import type { FollowerCalls, OwnerCalls } from '../../../src/server/threads/messages.ts'
import { sharedMemory } from '../../../src/server/threads/shared-memory.ts'

it('keeps the collector from nothing while it is not open yet: it has looked nothing up', async () => {
  const { port1, port2 } = new MessageChannel()
  follow({ flags: [], environment: { COFFER_LOG_LEVEL: 'silent' }, memory: sharedMemory() }, port2)
  const line = openLine<OwnerCalls, FollowerCalls>(port1, {} as Handlers<OwnerCalls>, () => {})
  await expect(line.ask('lookedUp', undefined)).resolves.toBeUndefined()
  await expect(line.ask('rows', { store: 'iam', rows: [] })).resolves.toBeUndefined()
  port1.close()
})
