import { guardProcess } from './guard-process.ts'
import { withoutUndici } from './lean-http.ts'

// Of Node's 64 KiB, a few bytes that stay for the length of a download would each keep all in memory.
Buffer.poolSize = 8 * 1024
guardProcess()
withoutUndici()
// Loaded after the guard stands: loading takes long enough for a signal to come in between.
const { run } = await import('./run.ts')
await run(process.argv.slice(2))
