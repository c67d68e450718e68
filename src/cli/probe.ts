import { CommandFailure } from './failure.ts'
import { textOf } from './json.ts'
import { inInstance, KEY_TYPE, type RootKey } from './key-protect.ts'
import type { Server } from './server.ts'

/** Wraps a new data key, unwraps it and compares; how long that took, in milliseconds. Throws KeyWrong. */
export async function probed(server: Server, key: RootKey): Promise<number> {
  const startedMs = performance.now()
  const path = `/api/v2/keys/${key.id}/actions`
  const headers = { 'content-type': KEY_TYPE }
  const wrapped = await server.control('POST', `${path}/wrap`, inInstance(key.instance, { json: {}, headers }))
  const json = { ciphertext: textOf(wrapped, 'ciphertext') ?? '' }
  const unwrapped = await server.control('POST', `${path}/unwrap`, inInstance(key.instance, { json, headers }))
  if (textOf(unwrapped, 'plaintext') !== textOf(wrapped, 'plaintext')) {
    throw new CommandFailure({ code: 'KeyWrong', ending: 'damage', why: 'what was unwrapped is not what was wrapped' })
  }
  return Math.round(performance.now() - startedMs)
}
