#!/usr/bin/env node
import { guardProcess } from './guard-process.ts'

guardProcess()
// Loaded after the guard stands: loading takes long enough for a signal to come in between.
const { run } = await import('./run.ts')
await run(process.argv.slice(2))
