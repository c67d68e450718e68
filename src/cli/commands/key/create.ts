import type { Call } from '../../call.ts'
import type { OptionSpec } from '../../described.ts'
import { usage } from '../../failure.ts'
import { listOf } from '../../json.ts'
import { keyDocument, labelled } from '../../key-face.ts'
import { collectionOf, inInstance, KEY_TYPE, keyInstance, rootKeyOf } from '../../key-protect.ts'
import type { CommandSpec } from '../../spec.ts'

/** What a key that is made or imported can be told. */
export const NEW_KEY_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  instance: { value: 'instance', help: 'Key Protect instance; not needed where there is one' },
  alias: {
    value: 'alias',
    help: 'another name, up to five; the first is the name itself unless --no-alias',
    many: true,
  },
  'no-alias': { help: 'no alias of its name' },
  description: { value: 'text', help: 'for people' },
  ring: { value: 'ring', help: 'key ring' },
  expires: { value: 'date', help: 'RFC 3339; it can be used no longer' },
}

export const createKey: CommandSpec = {
  name: 'create',
  summary: 'Makes a root key.',
  about: 'Its material is made in Key Protect and never leaves it. --rotate has it rotated by itself.',
  arguments: [{ name: 'name', help: '2 to 90 characters; its first alias, too' }],
  options: {
    ...NEW_KEY_OPTIONS,
    rotate: { value: 'months', help: 'rotated every so many months, 1 to 12' },
    'dual-auth-delete': { help: 'two people are needed to delete it' },
  },
  examples: [
    'coffer key create payroll-root',
    'coffer key create archive-root --rotate 6 --description "old invoices"',
  ],
  see: ['coffer key import', 'coffer bucket create', 'coffer authorization create'],
  run: async (call) => {
    const name = call.argument('name')
    call.doing(`create the key ${name}`)
    const months = call.count('rotate')
    const policies = {
      ...(months === undefined ? {} : { rotation: { enabled: true, interval_month: months } }),
      ...(call.flag('dual-auth-delete') ? { dualAuthDelete: { enabled: true } } : {}),
    }
    const path = Object.keys(policies).length === 0 ? '/api/v2/keys' : '/api/v2/keys_with_policy_overrides'
    await makeKey(call, path, { ...newKeyOf(call), ...policies })
    return 'done'
  },
}

export function newKeyOf(call: Call): object {
  const name = call.argument('name')
  const [description, expirationDate] = [call.text('description'), call.text('expires')]
  const isAlias = /^[\w-]{2,90}$/.test(name) && !call.flag('no-alias')
  const aliases = [...new Set([...(isAlias ? [name] : []), ...call.texts('alias')])]
  if (expirationDate !== undefined && Number.isNaN(Date.parse(expirationDate)))
    throw usage('--expires takes a date like 2030-01-31T00:00:00Z')
  return {
    name,
    extractable: false,
    ...(aliases.length > 0 ? { aliases } : {}),
    ...(description === undefined ? {} : { description }),
    ...(expirationDate === undefined ? {} : { expirationDate: new Date(expirationDate).toISOString() }),
  }
}

/** Makes and tells it. */
export async function makeKey(call: Call, path: string, resource: object): Promise<void> {
  const server = await call.server()
  const instance = await keyInstance(server, call.text('instance'))
  const ring = call.text('ring')
  const headers = { 'content-type': KEY_TYPE, ...(ring === undefined ? {} : { 'x-kms-key-ring': ring }) }
  const answer = await server.control(
    'POST',
    path,
    inInstance(instance, { json: collectionOf(KEY_TYPE, resource), headers }),
  )
  const key = rootKeyOf(listOf(answer, 'resources')[0], instance)
  call.out.answer(keyDocument(key), () => `✓ ${labelled(key)}\n  ${key.crn}`, [key.crn])
}
