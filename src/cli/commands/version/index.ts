import { readFile } from 'node:fs/promises'
import { parsed, textOf } from '../../json.ts'
import type { CommandSpec } from '../../spec.ts'

const version: CommandSpec = {
  name: '',
  summary: 'Shows the version of this program and of Node.',
  examples: ['coffer version'],
  run: async (call) => {
    const manifest = parsed(await readFile(new URL('../../../../package.json', import.meta.url), 'utf8'))
    const found = textOf(manifest, 'version') ?? ''
    call.out.answer(
      { version: found, node: process.version, platform: `${process.platform}-${process.arch}` },
      () => `coffer ${found}, Node ${process.version.slice(1)}`,
      [found],
    )
    return 'done'
  },
}

export const COMMANDS: readonly CommandSpec[] = [version]
