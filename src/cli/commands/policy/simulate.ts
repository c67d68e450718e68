import { findSomebody } from '../../identities.ts'
import { isTrue, listOf, textOf } from '../../json.ts'
import type { CommandSpec } from '../../spec.ts'

export const simulate: CommandSpec = {
  name: 'simulate',
  summary: 'Says whether somebody may do something, and what decides it. Nothing is done.',
  about: 'Exit status 0 if it is allowed, 5 if not.',
  arguments: [
    { name: 'user', help: 'name, address, IAM id, ARN; anonymous', kind: 'user' },
    { name: 'action', help: 's3:GetObject, kms.secrets.disable, cloud-object-storage.object.get, …' },
    { name: 'resource', help: 'bucket, bucket/key, or a CRN', optional: true },
  ],
  options: { from: { value: 'address', help: 'the request comes from there' }, insecure: { help: 'without TLS' } },
  examples: ['coffer policy simulate svc-billing s3:GetObject invoices/2026/report.pdf'],
  see: ['coffer bucket who-can-read'],
  run: async (call) => {
    const [user, action, resource] = [call.argument('user'), call.argument('action'), call.maybe('resource')]
    call.doing(`simulate ${action} by ${user}`)
    const server = await call.server()
    const principal =
      user === 'anonymous' || /^(arn|crn|iam-|IBMid-)/.test(user) ? user : (await findSomebody(server, user)).iamId
    const from = call.text('from')
    const context = {
      ...(from === undefined ? {} : { sourceIp: from }),
      ...(call.flag('insecure') ? { secure: false } : {}),
    }
    const json = {
      ...{ principal, action },
      ...(resource === undefined ? {} : { resource }),
      ...(Object.keys(context).length > 0 ? { context } : {}),
    }
    const answer = await server.control('POST', '/admin/v1/simulate', { json })
    const isAllowed = isTrue(answer, 'allowed')
    const decisions = listOf(answer, 'decisions')
    call.out.answer(
      Object(answer),
      () =>
        [
          `${isAllowed ? '✓' : '✕'} ${user} ${isAllowed ? 'may' : 'may not'} ${action}${resource === undefined ? '' : ` on ${resource}`}`,
          ...decisions.map(
            (one) =>
              `  ${textOf(one, 'action') ?? ''}: ${textOf(one, 'reason') ?? (isTrue(one, 'allowed') ? 'allowed' : 'denied')}`,
          ),
        ].join('\n'),
      [isAllowed ? 'allowed' : 'denied'],
    )
    return isAllowed ? 'done' : 'refused'
  },
}
