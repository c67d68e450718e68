import { accessPolicies } from '../../access-policies.ts'
import { notFound, usage } from '../../failure.ts'
import { findSomebody } from '../../identities.ts'
import { inShell } from '../../in-shell.ts'
import type { CommandSpec } from '../../spec.ts'
import { USER_ARGUMENT } from '../user/ls.ts'
import { withdraw } from './rm.ts'

export const detachPolicy: CommandSpec = {
  name: 'detach',
  summary: 'Takes a role away from somebody.',
  arguments: [USER_ARGUMENT, { name: 'role', help: 'or the id of the policy' }],
  destructive: true,
  examples: ['coffer policy detach svc-leaving Reader --yes'],
  see: ['coffer policy attach'],
  run: async (call) => {
    const [user, role] = [call.argument('user'), call.argument('role')]
    call.doing(`take ${role} away from ${user}`)
    const server = await call.server()
    const who = await findSomebody(server, user)
    const found = (await accessPolicies(server, who.iamId)).filter(
      ({ id, roles }) => id === role || roles.includes(role),
    )
    const [only, ...more] = found
    if (!only)
      throw notFound('NoSuchPolicy', `no policy makes ${who.name} ${role}`, `coffer policy ls --user ${inShell(user)}`)
    if (more.length > 0)
      throw usage(
        `${found.length} policies make ${who.name} ${role}; give an id: ${found.map(({ id }) => id).join(', ')}`,
      )
    return withdraw(call, only.id)
  },
}
