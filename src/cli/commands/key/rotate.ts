import { isDryRun } from '../../confirm.ts'
import { DRY_RUN } from '../../described.ts'
import { KEY_ARGUMENT, keyDocument, keyPath, labelled } from '../../key-face.ts'
import { findKey, inInstance, KEY_TYPE, registrationsOf } from '../../key-protect.ts'
import { tokenOrNone } from '../../optional-control.ts'
import type { CommandSpec } from '../../spec.ts'
import { materialIn } from './import.ts'

export const rotateKey: CommandSpec = {
  name: 'rotate',
  summary: 'Gives a key new material. What is stored stays readable, and ETags stay.',
  about:
    'New data keys are wrapped by the new version at once; the older ones are rewrapped in the background, unless the server is told not to.',
  arguments: [KEY_ARGUMENT],
  options: {
    ...DRY_RUN,
    material: { value: 'file', help: 'for an imported key: its new material, as base64', kind: 'file' },
  },
  examples: ['coffer key rotate finance-root --dry-run', 'coffer key rotate finance-root'],
  see: ['coffer rewrap', 'coffer key policy'],
  run: async (call) => {
    call.doing(`rotate the key ${call.argument('key')}`)
    const server = await call.server()
    const key = await findKey(server, call.argument('key'))
    const buckets = (await tokenOrNone(() => registrationsOf(server, key)))?.map(({ bucket }) => bucket) ?? []
    const lines = [
      `${labelled(key)} gets a new version. Nothing stops being readable.`,
      buckets.length === 0 ? 'No bucket is registered at it.' : `Rewrapped to the new version: ${buckets.join(', ')}.`,
    ]
    if (isDryRun(call, { lines, document: { key: key.id, buckets } })) return 'done'
    const file = call.text('material')
    const json =
      file === undefined
        ? {}
        : { json: { payload: await materialIn(call, file) }, headers: { 'content-type': KEY_TYPE } }
    await server.control('POST', `${keyPath(key)}/actions/rotate`, inInstance(key.instance, json))
    const after = await findKey(server, key.crn)
    call.out.answer(
      { ...keyDocument(after), buckets },
      () => `✓ ${labelled(key)} was rotated, version ${after.versionId ?? ''}`,
      [after.versionId ?? ''],
    )
    return 'done'
  },
}
