import { KEY_ARGUMENT, keyDocument, keyPath, labelled } from '../../key-face.ts'
import { findKey, inInstance } from '../../key-protect.ts'
import type { CommandSpec } from '../../spec.ts'

export const enableKey: CommandSpec = {
  name: 'enable',
  summary: 'Enables a root key that was disabled. What it protects can be read again.',
  arguments: [KEY_ARGUMENT],
  examples: ['coffer key enable finance-root'],
  see: ['coffer key disable'],
  run: async (call) => {
    call.doing(`enable the key ${call.argument('key')}`)
    const server = await call.server()
    const key = await findKey(server, call.argument('key'))
    await server.control('POST', `${keyPath(key)}/actions/enable`, inInstance(key.instance))
    const after = await findKey(server, key.crn)
    call.out.answer(keyDocument(after), () => `✓ ${labelled(key)} is ${after.state}`, [key.id])
    return 'done'
  },
}
