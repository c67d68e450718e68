#!/usr/bin/env -S node --disable-sigusr1
import { keepCompiledCode } from './compile-cache.js'

// In JavaScript, for one file of TypeScript before the cache is open has Node load its compiler: 9 MiB that stay.
keepCompiledCode()
await import('./main.ts')
