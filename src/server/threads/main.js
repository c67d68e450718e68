import { keepCompiledCode } from '../compile-cache.js'

// As of the program: what Node made of the sources once serves this thread, too.
keepCompiledCode()
await import('./main.ts')
