import { isDryRun } from '../../confirm.ts'
import { DRY_RUN } from '../../described.ts'
import { usage } from '../../failure.ts'
import { KEY_ARGUMENT, keyPath, labelled } from '../../key-face.ts'
import { findKey, inInstance } from '../../key-protect.ts'
import type { CommandSpec } from '../../spec.ts'

const ALIAS = { name: 'alias', help: 'letters, digits, - and _' } as const

export const aliasAdd: CommandSpec = {
  name: 'alias add',
  summary: 'Gives a key another name.',
  arguments: [KEY_ARGUMENT, ALIAS],
  examples: ['coffer key alias add finance-root books-root'],
  run: (call) => change(call, 'POST', (label, alias) => `✓ ${label} is ${alias}, too`),
}

export const aliasRemove: CommandSpec = {
  name: 'alias rm',
  summary: 'Takes a name away from a key.',
  arguments: [KEY_ARGUMENT, ALIAS],
  examples: ['coffer key alias rm finance-root books-root'],
  run: (call) => change(call, 'DELETE', (label, alias) => `✓ ${label} is no longer ${alias}`),
}

export const renameKey: CommandSpec = {
  name: 'rename',
  summary: 'Gives a key another alias in place of the one that it is called by.',
  about:
    'Called by anything else, it loses its only alias, if it has one. The name that it was made with stays: Key Protect has no call that changes it.',
  arguments: [KEY_ARGUMENT, ALIAS],
  options: DRY_RUN,
  examples: ['coffer key rename finance-root books', 'coffer key rename books finance-root --dry-run'],
  see: ['coffer key alias add'],
  run: async (call) => {
    const alias = call.argument('alias')
    call.doing(`rename the key ${call.argument('key')}`)
    const server = await call.server()
    const key = await findKey(server, call.argument('key'))
    const [only, ...more] = key.aliases
    const called = key.aliases.find((one) => one === lastOf(call.argument('key')))
    if (called === undefined && more.length > 0)
      throw usage(`it has several aliases, say which is to go: ${key.aliases.join(', ')}`)
    const former = called ?? only
    const lines = [
      `${labelled(key)} gets the alias ${alias}${former === undefined ? '' : `, and is ${former} no more`}.`,
    ]
    if (isDryRun(call, { lines, document: { key: key.id, alias, former } })) return 'done'
    const path = (one: string): string => `${keyPath(key)}/aliases/${encodeURIComponent(one)}`
    // The new one first: at no time has it none.
    await server.control('POST', path(alias), inInstance(key.instance))
    if (former !== undefined) await server.control('DELETE', path(former), inInstance(key.instance))
    call.out.answer({ key: key.id, alias, former }, () => `✓ ${labelled(key)} is ${key.instance.name}/${alias}`, [
      alias,
    ])
    return 'done'
  },
}

const lastOf = (reference: string): string => reference.slice(reference.lastIndexOf('/') + 1)

async function change(
  call: Parameters<CommandSpec['run']>[0],
  method: 'POST' | 'DELETE',
  said: (label: string, alias: string) => string,
): Promise<'done'> {
  const alias = call.argument('alias')
  call.doing(`${method === 'POST' ? 'give' : 'take'} the alias ${alias}`)
  const server = await call.server()
  const key = await findKey(server, call.argument('key'))
  await server.control(method, `${keyPath(key)}/aliases/${encodeURIComponent(alias)}`, inInstance(key.instance))
  call.out.answer({ key: key.id, alias }, () => said(labelled(key), alias), [alias])
  return 'done'
}
