// Loaded into a server and its threads (`--import`): the first thread that follows breaks as soon as there is the file that
// BREAK_FILE names, in the way that the file says.
import { readFileSync } from 'node:fs'
import { isMainThread, threadId } from 'node:worker_threads'

const WAYS: Readonly<Record<string, () => void>> = {
  throw: () => {
    throw new Error('broken by a test')
  },
  memory: () => {
    const kept: unknown[] = []
    for (;;) kept.push(new Array(100_000).fill({}))
  },
}

function wayToBreak(): string | undefined {
  try {
    return readFileSync(process.env['BREAK_FILE'] ?? '', 'utf8')
  } catch {
    return undefined
  }
}

if (!isMainThread && threadId === 1) setInterval(() => WAYS[wayToBreak() ?? '']?.(), 50)
