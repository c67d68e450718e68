import { parentPort, workerData } from 'node:worker_threads'
import { withoutUndici } from '../lean-http.ts'
import type { ThreadStart } from './messages.ts'

// As in the program.
Buffer.poolSize = 8 * 1024
withoutUndici()
const { follow } = await import('./follow.ts')
if (parentPort === null) throw new Error('this is the start of a serving thread, not of a program')
follow(workerData as ThreadStart, parentPort)
