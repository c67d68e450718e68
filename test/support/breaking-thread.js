// Loaded into a server and its threads (`--import`): the first thread that follows breaks as soon as there is the file that
// BREAK_FILE names, in the way that the file says.
import { readFileSync } from 'node:fs'
import { isMainThread, threadId } from 'node:worker_threads'

const WAYS = {
  throw: () => {
    throw new Error('broken by a test')
  },
  reject: () => void Promise.reject(new Error('broken by a test')),
  exit: () => process.exit(0),
  memory: () => {
    const kept = []
    for (;;) kept.push(new Array(100_000).fill({}))
  },
}

if (!isMainThread && threadId === 1) {
  setInterval(() => {
    let way
    try {
      way = readFileSync(process.env.BREAK_FILE, 'utf8')
    } catch {
      return
    }
    WAYS[way]()
  }, 50)
}
