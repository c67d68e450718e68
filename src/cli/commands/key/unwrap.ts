import { textOf } from '../../json.ts'
import { KEY_ARGUMENT, keyPath } from '../../key-face.ts'
import { findKey, inInstance, KEY_TYPE } from '../../key-protect.ts'
import { readInput } from '../../read-input.ts'
import type { CommandSpec } from '../../spec.ts'

export const unwrapWithKey: CommandSpec = {
  name: 'unwrap',
  summary: 'Unwraps a data key.',
  arguments: [
    KEY_ARGUMENT,
    { name: 'ciphertext', help: 'file with what wrap gave; - for standard input', kind: 'file' },
  ],
  options: { aad: { value: 'text', help: 'what it was wrapped with', many: true } },
  examples: ['coffer key unwrap finance-root wrapped.b64 --aad invoice-4711'],
  see: ['coffer key wrap'],
  run: async (call) => {
    call.doing(`unwrap with the key ${call.argument('key')}`)
    const server = await call.server()
    const key = await findKey(server, call.argument('key'))
    const ciphertext = (await readInput(call, call.argument('ciphertext'))).trim()
    const json = { ciphertext, ...(call.texts('aad').length > 0 ? { aad: call.texts('aad') } : {}) }
    const headers = { 'content-type': KEY_TYPE }
    const answer = await server.control(
      'POST',
      `${keyPath(key)}/actions/unwrap`,
      inInstance(key.instance, { json, headers }),
    )
    const plaintext = textOf(answer, 'plaintext') ?? ''
    call.out.answer({ plaintext, keyVersion: textOf(answer, 'keyVersion', 'id') }, () => plaintext, [plaintext])
    return 'done'
  },
}
