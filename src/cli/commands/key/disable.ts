import { radiusLines, radiusOfKey } from '../../blast-radius.ts'
import { confirmed } from '../../confirm.ts'
import { KEY_ARGUMENT, keyDocument, keyPath, keyReference, labelled } from '../../key-face.ts'
import { findKey, inInstance, keyLabel } from '../../key-protect.ts'
import type { CommandSpec } from '../../spec.ts'

export const disableKey: CommandSpec = {
  name: 'disable',
  summary: 'Disables a root key. What it protects can be read by nobody, until it is enabled.',
  about: 'The data stays as it is, and names stay listable. A key can be enabled 30 seconds later at the earliest.',
  arguments: [KEY_ARGUMENT],
  options: { reason: { value: 'text', help: 'why, kept in the audit log' } },
  destructive: true,
  examples: [
    'coffer key disable finance-root --dry-run',
    'coffer key disable finance-root --reason "suspected leak" --yes',
  ],
  see: ['coffer key enable', 'coffer key buckets', 'coffer bucket who-can-read'],
  run: async (call) => {
    call.doing(`disable the key ${call.argument('key')}`)
    const server = await call.server()
    const key = await findKey(server, call.argument('key'))
    const radius = await radiusOfKey(server, key)
    const lines = [
      ...radiusLines(radius, {
        title: `While ${labelled(key)} is disabled, nothing in these can be read or written`,
        nothing: `No bucket is under ${labelled(key)}.`,
        nowMs: call.out.nowMs,
      }),
      `The data stays. coffer key enable ${keyReference(key)} brings it back.`,
    ]
    if (!(await confirmed(call, { name: keyLabel(key), lines, document: { key: key.id, ...radius } }))) return 'done'
    const reason = call.text('reason')
    const said = reason === undefined ? {} : { json: { reason } }
    await server.control('POST', `${keyPath(key)}/actions/disable`, inInstance(key.instance, said))
    const after = await findKey(server, key.crn)
    call.out.answer(
      { ...keyDocument(after), ...radius },
      () => `✓ ${labelled(key)} is disabled. coffer key enable ${keyReference(key)} enables it`,
      [key.id],
    )
    return 'done'
  },
}
