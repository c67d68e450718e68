import { granting, TARGET_OPTIONS } from '../../access-policies.ts'
import { findSomebody } from '../../identities.ts'
import type { CommandSpec } from '../../spec.ts'
import { USER_ARGUMENT } from '../user/ls.ts'

export const attachPolicy: CommandSpec = {
  name: 'attach',
  summary: 'Gives somebody a role.',
  about:
    'Of the service: Reader, Writer, Manager, ContentReader, ObjectReader, ObjectWriter. Of the platform: Viewer, Operator, Editor, Administrator.',
  arguments: [USER_ARGUMENT, { name: 'role', help: 'Reader, Writer, Manager, …' }],
  options: TARGET_OPTIONS,
  examples: [
    'coffer policy attach svc-billing Reader --bucket invoices',
    'coffer policy attach svc-billing Reader --key finance-root',
  ],
  see: ['coffer policy detach', 'coffer policy simulate'],
  run: async (call) => {
    const [user, role] = [call.argument('user'), call.argument('role')]
    call.doing(`make ${user} ${role}`)
    const server = await call.server()
    const who = await findSomebody(server, user)
    const targets = { bucket: call.text('bucket'), key: call.text('key'), service: call.text('service') }
    const made = await (await granting(server, role, targets))(who.iamId)
    call.out.answer(made, () => `✓ ${who.name} is ${made.roles.join(', ')} on ${made.on}  (${made.id})`, [made.id])
    return 'done'
  },
}
