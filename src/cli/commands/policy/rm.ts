import { accessPolicyOf } from '../../access-policies.ts'
import type { Call } from '../../call.ts'
import { confirmed } from '../../confirm.ts'
import type { CommandSpec } from '../../spec.ts'

export const removePolicy: CommandSpec = {
  name: 'rm',
  summary: 'Removes a policy. What it gave is denied from the next request on.',
  arguments: [{ name: 'id', help: 'of the policy' }],
  destructive: true,
  examples: ['coffer policy rm POLICY --dry-run', 'coffer policy rm POLICY --yes'],
  run: (call) => withdraw(call, call.argument('id')),
}

export async function withdraw(call: Call, id: string) {
  call.doing(`remove the policy ${id}`)
  const server = await call.server()
  const path = `/v2/policies/${encodeURIComponent(id)}`
  const policy = accessPolicyOf(await server.control('GET', path))
  const lines = [
    `${policy.iamId} is no longer ${policy.roles.join(', ')} on ${policy.on}, unless another policy says so.`,
  ]
  if (!(await confirmed(call, { name: id, lines, document: { policy } }))) return 'done' as const
  await server.control('DELETE', path)
  call.out.answer({ removed: id }, () => `✓ ${id} was removed`, [id])
  return 'done' as const
}
