import { accessPolicies } from '../../access-policies.ts'
import { credentialsOf, findSomebody } from '../../identities.ts'
import { tokenOrNone } from '../../optional-control.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'
import { timeText } from '../../units.ts'
import { USER_ARGUMENT } from './ls.ts'

export const showUser: CommandSpec = {
  name: 'show',
  summary: 'Shows a user or service ID: its policies and credentials.',
  arguments: [USER_ARGUMENT],
  examples: ['coffer user show svc-billing'],
  run: async (call) => {
    call.doing(`show ${call.argument('user')}`)
    const server = await call.server()
    const who = await findSomebody(server, call.argument('user'))
    const [policies, credentials] = await Promise.all([
      accessPolicies(server, who.iamId),
      tokenOrNone(() => credentialsOf(server, who)),
    ])
    call.out.answer(
      { ...who, policies, credentials },
      () =>
        factsText(
          [
            ['name', who.name],
            ['type', who.type],
            ['iam id', who.iamId],
            ['state', who.state],
            ['added', timeText(who.createdAt, call.out.nowMs)],
            ...policies.map(({ roles, on, id }) => ['policy', `${roles.join(', ')} on ${on}  (${id})`] as const),
            ...(credentials ?? []).map(
              ({ kind, id, accessKeyId, state }) =>
                [
                  'credential',
                  `${kind === 'hmac' ? `key pair ${accessKeyId ?? ''}` : 'API key'}  ${state}  (${id})`,
                ] as const,
            ),
          ],
          call.out.paint,
        ),
      [who.iamId],
    )
    return 'done'
  },
}
