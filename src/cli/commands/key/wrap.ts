import { textOf } from '../../json.ts'
import { KEY_ARGUMENT, keyPath } from '../../key-face.ts'
import { findKey, inInstance, KEY_TYPE } from '../../key-protect.ts'
import { readInput } from '../../read-input.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'

export const wrapWithKey: CommandSpec = {
  name: 'wrap',
  summary: 'Wraps a data key with a root key; without one, a new one is made.',
  arguments: [KEY_ARGUMENT],
  options: {
    plaintext: { value: 'file', help: 'the data key, as base64; - for standard input', kind: 'file' },
    aad: { value: 'text', help: 'has to be given again to unwrap it', many: true },
  },
  examples: ['coffer key wrap finance-root --aad invoice-4711'],
  see: ['coffer key unwrap'],
  run: async (call) => {
    call.doing(`wrap with the key ${call.argument('key')}`)
    const server = await call.server()
    const key = await findKey(server, call.argument('key'))
    const file = call.text('plaintext')
    const json = {
      ...(file === undefined ? {} : { plaintext: (await readInput(call, file)).trim() }),
      ...(call.texts('aad').length > 0 ? { aad: call.texts('aad') } : {}),
    }
    const headers = { 'content-type': KEY_TYPE }
    const answer = await server.control(
      'POST',
      `${keyPath(key)}/actions/wrap`,
      inInstance(key.instance, { json, headers }),
    )
    const [ciphertext = '', plaintext] = [textOf(answer, 'ciphertext'), textOf(answer, 'plaintext')]
    const keyVersion = textOf(answer, 'keyVersion', 'id')
    call.out.answer(
      { ciphertext, keyVersion, ...(plaintext === undefined ? {} : { plaintext }) },
      () =>
        factsText(
          [
            ['plaintext', plaintext],
            ['ciphertext', ciphertext],
            ['key version', keyVersion],
          ],
          call.out.paint,
        ),
      [ciphertext],
    )
    return 'done'
  },
}
