import { confirmed } from '../../confirm.ts'
import { notFound } from '../../failure.ts'
import { type Credential, credentialsOf, findSomebody, removeCredential, type Somebody } from '../../identities.ts'
import { inShell } from '../../in-shell.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { USER_ARGUMENT } from './ls.ts'

export const CREDENTIAL_ARGUMENT = { name: 'id', help: 'of the credential, or its access key' } as const

export const keyRemove: CommandSpec = {
  name: 'key rm',
  summary: 'Removes a credential. It works no more from the next request on.',
  arguments: [USER_ARGUMENT, CREDENTIAL_ARGUMENT],
  destructive: true,
  examples: ['coffer user key rm svc-billing CREDENTIAL --yes'],
  run: async (call) => {
    call.doing(`remove the credential ${call.argument('id')}`)
    const server = await call.server()
    const { who, found } = await credentialOf(server, call.argument('user'), call.argument('id'))
    const lines = [`What ${who.name} does with ${found.accessKeyId ?? found.id} is refused from then on.`]
    if (!(await confirmed(call, { name: found.id, lines, document: { credential: found } }))) return 'done'
    await removeCredential(server, found)
    call.out.answer({ removed: found.id }, () => `✓ ${found.id} was removed`, [found.id])
    return 'done'
  },
}

export async function credentialOf(
  server: Server,
  user: string,
  id: string,
): Promise<{ readonly who: Somebody; readonly found: Credential }> {
  const who = await findSomebody(server, user)
  const found = (await credentialsOf(server, who)).find((one) => one.id === id || one.accessKeyId === id)
  if (!found)
    throw notFound('NoSuchCredential', `${who.name} has no credential ${id}`, `coffer user key ls ${inShell(user)}`)
  return { who, found }
}
