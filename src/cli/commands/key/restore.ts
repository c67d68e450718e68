import { KEY_ARGUMENT, keyDocument, keyPath, labelled } from '../../key-face.ts'
import { findKey, inInstance } from '../../key-protect.ts'
import type { CommandSpec } from '../../spec.ts'

export const restoreKey: CommandSpec = {
  name: 'restore',
  summary: 'Brings a deleted key back, within 30 days.',
  arguments: [KEY_ARGUMENT],
  examples: ['coffer key restore spare-root'],
  see: ['coffer key rm'],
  run: async (call) => {
    call.doing(`restore the key ${call.argument('key')}`)
    const server = await call.server()
    const key = await findKey(server, call.argument('key'))
    await server.control('POST', `${keyPath(key)}/restore`, inInstance(key.instance))
    const after = await findKey(server, key.crn)
    call.out.answer(keyDocument(after), () => `✓ ${labelled(after)} is ${after.state}`, [key.id])
    return 'done'
  },
}
