import { keyDocument } from '../../key-face.ts'
import { ALL_STATES, keyInstance, keyInstances, keyLabel, keysOf } from '../../key-protect.ts'
import type { CommandSpec } from '../../spec.ts'
import { whenText } from '../../units.ts'

export const listKeys: CommandSpec = {
  name: 'ls',
  summary: 'Lists root keys.',
  options: {
    instance: { value: 'instance', help: 'of this Key Protect instance alone' },
    all: { help: 'deleted keys, and standard keys, too' },
  },
  examples: ['coffer key ls', 'coffer key ls --all --wide'],
  see: ['coffer key show', 'coffer key buckets'],
  run: async (call) => {
    call.doing('list keys')
    const server = await call.server()
    const named = call.text('instance')
    const instances = named === undefined ? await keyInstances(server) : [await keyInstance(server, named)]
    const all = call.flag('all')
    const found = await Promise.all(instances.map((instance) => keysOf(server, instance, all ? ALL_STATES : undefined)))
    const { nowMs } = call.out
    call.out.rows({
      name: 'keys',
      rows: found.flat().filter(({ isRootKey }) => all || isRootKey),
      columns: [
        { head: 'KEY', cell: keyLabel },
        { head: 'INSTANCE', cell: ({ instance }) => instance.name },
        { head: 'STATE', cell: ({ state }) => state },
        { head: 'ROTATED', cell: ({ rotatedAt }) => whenText(rotatedAt, nowMs) || 'never' },
        { head: 'MADE', cell: ({ createdAt }) => whenText(createdAt, nowMs) },
        {
          head: 'TYPE',
          cell: ({ isRootKey, imported }) => `${isRootKey ? 'root' : 'standard'}${imported ? ', imported' : ''}`,
          wide: true,
        },
        { head: 'ID', cell: ({ id }) => id, wide: true },
      ],
      id: ({ id }) => id,
      none: 'There are no root keys. coffer key create NAME makes one.',
      document: keyDocument,
    })
    return 'done'
  },
}
