import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { progressing } from '../../../src/api/s3/body-progress.ts'
import { codeOfAsync, readAll } from './raw-request.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const RULE = { everyMs: 10, times: 3, minBytes: 100 }
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

async function* every(ms: number, bytes: number, times: number): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < times; sent++) {
    await pause(ms)
    yield Buffer.alloc(bytes)
  }
}

it('a body that comes in drops is refused, and so is one that stops', async () => {
  const drops = codeOfAsync(() => readAll(progressing(every(4, 1, 1000), RULE)))
  const stops = codeOfAsync(() => readAll(progressing(every(1e6, 1, 1), RULE)))
  await vi.advanceTimersByTimeAsync(100)
  expect(await drops).toBe('RequestTimeout')
  expect(await stops).toBe('RequestTimeout')
})

it('a body that comes slowly but well enough is passed on whole', async () => {
  const read = readAll(progressing(every(25, 100, 40), RULE))
  await vi.advanceTimersByTimeAsync(25 * 40)
  expect((await read).length).toBe(4000)
})

it('a reader may take its time between two chunks', async () => {
  const read = (async () => {
    let bytes = 0
    for await (const chunk of progressing(every(1, 1, 5), RULE)) {
      bytes += chunk.length
      await pause(1000)
    }
    return bytes
  })()
  await vi.advanceTimersByTimeAsync(6000)
  expect(await read).toBe(5)
})

it('leaves no timer, however it ends', async () => {
  const whole = readAll(progressing(every(1, 1, 2), RULE))
  await vi.advanceTimersByTimeAsync(3)
  await whole
  const broken = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.alloc(1)
    throw new Error('broken')
  }
  await expect(readAll(progressing(broken(), RULE))).rejects.toThrow('broken')
  for await (const _ of progressing(broken(), RULE)) break
  expect(vi.getTimerCount()).toBe(0)
})
