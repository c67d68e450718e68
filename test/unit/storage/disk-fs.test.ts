import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { nodeFs, writeFully } from '../../../src/storage/blob/disk-fs.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

it.for([
  { what: 'little at once', bytes: 1000, atOnce: true },
  { what: 'much by way of the thread pool', bytes: 300_000, atOnce: false },
])('writes $what, where it is told to', async ({ bytes, atOnce }) => {
  await using directory = await temporaryDirectory()
  const file = directory.join('file')
  const fd = await nodeFs.open(file, 'wx', 0o600)
  const [first, second] = [randomBytes(bytes), randomBytes(bytes)]
  const written = nodeFs.writev(fd, [first, second], 0)
  expect(typeof written === 'number').toBe(atOnce)
  expect(await written).toBe(2 * bytes)
  await writeFully(nodeFs, fd, [second, first], 10)
  await nodeFs.close(fd)
  expect(await readFile(file)).toEqual(Buffer.concat([first.subarray(0, 10), second, first]))
})
