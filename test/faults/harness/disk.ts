import { access, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Bytes and files below a directory, as far as they can be seen while it changes. */
export async function usage(directory: string): Promise<{ readonly files: number; readonly bytes: number }> {
  await access(directory)
  // A directory may go while it is read: it is empty then.
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(path.join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  )
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

/** Waits until a directory has stopped changing, at most `timeoutMs`. */
export async function settledUsage(
  directory: string,
  timeoutMs: number,
): Promise<{ readonly files: number; readonly bytes: number }> {
  const deadline = performance.now() + timeoutMs
  let last = await usage(directory)
  for (;;) {
    await sleep(250)
    const now = await usage(directory)
    const same = now.files === last.files && now.bytes === last.bytes
    if (same || performance.now() > deadline) return now
    last = now
  }
}

/** What is still there when nothing has to be: waits for it to go, at most `timeoutMs`. */
export async function leftIn(
  directory: string,
  timeoutMs: number,
): Promise<{ readonly files: number; readonly bytes: number }> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const left = await usage(directory)
    if (left.bytes === 0 || performance.now() > deadline) return left
    await sleep(100)
  }
}
