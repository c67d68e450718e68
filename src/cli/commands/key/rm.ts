import { radiusLines, radiusOfKey } from '../../blast-radius.ts'
import { confirmed } from '../../confirm.ts'
import { CommandFailure } from '../../failure.ts'
import { KEY_ARGUMENT, keyPath, keyReference, labelled } from '../../key-face.ts'
import { findKey, inInstance, keyLabel } from '../../key-protect.ts'
import type { CommandSpec } from '../../spec.ts'

export const removeKey: CommandSpec = {
  name: 'rm',
  summary: 'Deletes a key. For 30 days it can be restored; then its material is destroyed.',
  about:
    'What is under it cannot be read from then on, and after its destruction never again. One that protects buckets is deleted only with --force.',
  arguments: [KEY_ARGUMENT],
  options: { force: { help: 'also one that buckets are under' } },
  destructive: true,
  examples: ['coffer key rm spare-root --dry-run', 'coffer key rm spare-root --yes'],
  see: ['coffer key restore', 'coffer key disable'],
  run: async (call) => {
    call.doing(`delete the key ${call.argument('key')}`)
    const server = await call.server()
    const key = await findKey(server, call.argument('key'))
    const radius = await radiusOfKey(server, key)
    const isForced = call.flag('force')
    if (radius.buckets.length > 0 && !isForced && !call.flag('dry-run')) {
      throw new CommandFailure({
        code: 'KeyInUse',
        ending: 'conflict',
        why: `${radius.buckets.length === 1 ? 'a bucket is' : `${radius.buckets.length} buckets are`} under it: ${radius.buckets.map(({ name }) => name).join(', ')}`,
        fixes: ['coffer bucket encrypt BUCKET --key ANOTHER', `coffer key rm ${keyReference(key)} --force`],
      })
    }
    const lines = radiusLines(radius, {
      title: `Once ${labelled(key)} is deleted, nothing in these can be read, and after 30 days never again`,
      nothing: `No bucket is under ${labelled(key)}.`,
      nowMs: call.out.nowMs,
    })
    if (!(await confirmed(call, { name: keyLabel(key), lines, document: { key: key.id, ...radius } }))) return 'done'
    await server.control('DELETE', keyPath(key), inInstance(key.instance, { query: { force: isForced } }))
    call.out.answer(
      { deleted: key.id, crn: key.crn, ...radius },
      () => `✓ ${labelled(key)} is deleted. For 30 days: coffer key restore ${key.id}`,
      [key.id],
    )
    return 'done'
  },
}
