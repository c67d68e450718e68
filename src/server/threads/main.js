import { keepCompiledCode } from '../compile-cache.js'
import { stripTypesWhereInstalled } from '../installed.js'

// As of the program: what Node made of the sources once serves this thread, too.
keepCompiledCode()
stripTypesWhereInstalled()
await import('./main.ts')
