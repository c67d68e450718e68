import { accessPolicyOf } from '../../access-policies.ts'
import { usage } from '../../failure.ts'
import { member, parsed } from '../../json.ts'
import { readInput } from '../../read-input.ts'
import type { CommandSpec } from '../../spec.ts'

/** What a policy is made of; the rest of what `show` tells is about it. */
const MEMBERS = ['type', 'description', 'subject', 'control', 'resource', 'pattern', 'rule'] as const

export const setPolicy: CommandSpec = {
  name: 'set',
  summary: 'Makes a policy of a document, or replaces one.',
  about: 'The document is that of /v2/policies, and what `coffer policy show` shows.',
  arguments: [{ name: 'file', help: 'JSON; - for standard input', kind: 'file' }],
  options: { id: { value: 'id', help: 'replaces this policy' } },
  examples: ['coffer policy set access.json'],
  see: ['coffer policy attach', 'coffer policy simulate'],
  run: async (call) => {
    const [file, id] = [call.argument('file'), call.text('id')]
    call.doing(`set the policy of ${file}`)
    const document = parsed(await readInput(call, file))
    if (typeof document !== 'object' || document === null) throw usage(`${file} is not JSON`)
    const json = Object.fromEntries(
      MEMBERS.flatMap((name) => (member(document, name) === undefined ? [] : [[name, member(document, name)]])),
    )
    const server = await call.server()
    const answer = id === undefined ? await server.control('POST', '/v2/policies', { json }) : await replaced()
    const made = accessPolicyOf(answer)
    call.out.answer(Object(answer), () => `✓ ${made.id}: ${made.roles.join(', ')} on ${made.on}`, [made.id])
    return 'done'

    /** Only as it was read: somebody else may have changed it meanwhile. */
    async function replaced(): Promise<unknown> {
      const path = `/v2/policies/${encodeURIComponent(id ?? '')}`
      const { headers } = await server.reply('GET', path)
      const { etag } = headers
      return server.control('PUT', path, {
        json,
        ...(typeof etag === 'string' ? { headers: { 'if-match': etag } } : {}),
      })
    }
  },
}
