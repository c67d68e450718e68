import { expect, test } from 'vitest'
import { handOver, spend, spending } from '../../../src/base/spent-memory.ts'

const KIB = 1024
const chunk = (lengthBytes = 64 * KIB): Buffer => Buffer.allocUnsafeSlow(lengthBytes).fill(7)

test('a chunk that was handed over gives its memory up when it is spent', () => {
  const handed = handOver(chunk())
  spend(handed)
  expect(handed.buffer.byteLength).toBe(0)
  expect(handed.length).toBe(0)
  spend(handed)
})

test('a chunk that nobody handed over stays as it is', () => {
  const kept = chunk()
  spend(kept)
  expect(kept.equals(chunk())).toBe(true)
})

test('neither memory that others share nor what is small is handed over', () => {
  const shared = chunk()
  const pooled = Buffer.from('pooled')
  const small = chunk(KIB)
  for (const one of [shared.subarray(0, 32 * KIB), pooled, small]) spend(handOver(one))
  expect(shared.length).toBe(64 * KIB)
  expect(pooled.toString()).toBe('pooled')
  expect(small.length).toBe(KIB)
})

test('memory is spent when all bytes of all views of it are used and another has begun', () => {
  const [first, second] = [handOver(chunk()), handOver(chunk())]
  const spent = spending()
  spent.received(first.subarray(0, 40 * KIB))
  spent.used(40 * KIB)
  expect(first.buffer.byteLength).toBe(64 * KIB)
  spent.received(first.subarray(40 * KIB))
  spent.received(second)
  spent.used(20 * KIB)
  expect(first.buffer.byteLength).toBe(64 * KIB)
  spent.used(4 * KIB)
  expect(first.buffer.byteLength).toBe(0)
  spent.used(64 * KIB)
  expect(second.buffer.byteLength).toBe(64 * KIB)
})
