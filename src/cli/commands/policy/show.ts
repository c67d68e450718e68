import type { CommandSpec } from '../../spec.ts'

export const showPolicy: CommandSpec = {
  name: 'show',
  summary: 'Shows a policy as `policy set` takes it.',
  arguments: [{ name: 'id', help: 'of the policy' }],
  examples: ['coffer policy show POLICY'],
  run: async (call) => {
    const id = call.argument('id')
    call.doing(`show the policy ${id}`)
    const policy = await (await call.server()).control('GET', `/v2/policies/${encodeURIComponent(id)}`)
    call.out.answer(Object(policy), () => JSON.stringify(policy, undefined, 2), [id])
    return 'done'
  },
}
