#!/usr/bin/env node
import { guardProcess } from './guard-process.ts'

// Of Node's 64 KiB, a few bytes that stay for the length of a download would each keep all in memory.
Buffer.poolSize = 8 * 1024
guardProcess()
// Loaded after the guard stands: loading takes long enough for a signal to come in between.
const { run } = await import('./run.ts')
await run(process.argv.slice(2))
