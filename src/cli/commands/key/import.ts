import { usage } from '../../failure.ts'
import { readInput } from '../../read-input.ts'
import type { CommandSpec } from '../../spec.ts'
import { makeKey, NEW_KEY_OPTIONS, newKeyOf } from './create.ts'

export const importKey: CommandSpec = {
  name: 'import',
  summary: 'Makes a root key of your own material.',
  about:
    'Key Protect takes it and does not give it back; keep yours. It crosses the network as it is, so only over TLS or on one machine.',
  arguments: [
    { name: 'name', help: '2 to 90 characters; its first alias, too' },
    { name: 'file', help: '16, 24 or 32 bytes as base64; - for standard input', kind: 'file' },
  ],
  options: NEW_KEY_OPTIONS,
  examples: ['coffer key import own-root material.b64'],
  see: ['coffer key create', 'coffer key rotate'],
  run: async (call) => {
    call.doing(`import the key ${call.argument('name')}`)
    await makeKey(call, '/api/v2/keys', { ...newKeyOf(call), payload: await materialIn(call, call.argument('file')) })
    return 'done'
  },
}

/** Base64, in one line. Throws Usage. */
export async function materialIn(call: Parameters<typeof readInput>[0], file: string): Promise<string> {
  const text = (await readInput(call, file)).replace(/\s+/g, '')
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text || ![16, 24, 32].includes(bytes.length)) {
    throw usage(`${file} holds no key material: 16, 24 or 32 bytes as base64`, 'openssl rand -base64 32')
  }
  return text
}
