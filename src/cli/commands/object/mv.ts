import { DRY_RUN } from '../../described.ts'
import type { CommandSpec } from '../../spec.ts'
import { copyAll, MOVE_ARGUMENTS } from './cp.ts'

export const moveObjects: CommandSpec = {
  name: 'mv',
  summary: 'Moves or renames objects within the server.',
  about: 'Each is copied, and removed when its copy is there. In a bucket with versioning the old versions stay.',
  arguments: MOVE_ARGUMENTS,
  options: { recursive: { help: 'all objects below the prefix' }, ...DRY_RUN },
  examples: [
    'coffer object mv logs/report.pdf logs/old/report.pdf',
    'coffer object mv logs/2025/ logs/old/ --recursive --dry-run',
  ],
  see: ['coffer object cp'],
  run: (call) => copyAll(call, 'move'),
}
