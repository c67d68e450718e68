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
