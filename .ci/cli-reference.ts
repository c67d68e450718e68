import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { NOUNS } from '../src/cli/commands/index.ts'
import { referenceText } from '../src/cli/reference.ts'

writeFileSync(path.join(import.meta.dirname, '../docs/cli.md'), await referenceText(NOUNS))
