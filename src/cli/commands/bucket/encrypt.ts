import { confirmed } from '../../confirm.ts'
import { CommandFailure, usage } from '../../failure.ts'
import { numberOf, textOf } from '../../json.ts'
import { findKey, keyLabel } from '../../key-protect.ts'
import { tokenOrNone } from '../../optional-control.ts'
import { readBucket } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText, sizeText } from '../../units.ts'
import { rootKeyCrn } from '../../why-locked.ts'

export const encryptBucket: CommandSpec = {
  name: 'encrypt',
  summary: 'Moves a bucket under another root key.',
  about:
    'What is new is under the key at once; the data keys of what is there are rewrapped in the background, and contents are neither read nor written. With --re-encrypt contents are sealed anew under new data keys, but for objects whose key a customer keeps and uploads under way. Dates and ETags stay, reads go on throughout.',
  arguments: [{ name: 'bucket', help: 'name', kind: 'bucket' }],
  options: {
    key: { value: 'key', help: 'root key: alias, instance/alias, id or CRN', kind: 'key' },
    're-encrypt': { help: 'new data keys, and contents sealed under them' },
    'provider-managed': { help: 'back under the key of the store' },
  },
  destructive: true,
  examples: [
    'coffer bucket encrypt logs --key finance-root --dry-run',
    'coffer bucket encrypt logs --key finance-root --re-encrypt --dry-run',
    'coffer bucket encrypt logs --key finance-root --yes',
    'coffer bucket encrypt logs --provider-managed --yes',
  ],
  see: ['coffer jobs watch', 'coffer rewrap'],
  run: async (call) => {
    const name = readBucket(call.argument('bucket'))
    call.doing(`move bucket ${name} under another key`)
    const named = call.text('key')
    if ((named === undefined) === !call.flag('provider-managed')) throw usage('give either --key or --provider-managed')
    const server = await call.server()
    const path = `/admin/v1/buckets/${encodeURIComponent(name)}`
    const key = named === undefined ? undefined : await findKey(server, named)
    const usageNow = await tokenOrNone(() => server.control('GET', `${path}/usage`))
    const objects = numberOf(usageNow, 'objects')
    const bytes = numberOf(usageNow, 'bytes')
    const reencrypt = call.flag('re-encrypt')
    const under = key ? `${key.instance.name}/${keyLabel(key)}` : 'the key of the store'
    const sameKey = (): CommandFailure =>
      new CommandFailure({
        ...{ code: 'SameKey', ending: 'conflict' },
        why: `${name} is under ${under} already, and objects are sealed anew as they move under another key`,
        fixes: [`coffer bucket encrypt ${name} --key KEY --re-encrypt`, `coffer rewrap --bucket ${name}`],
      })
    if (reencrypt && key && (await tokenOrNone(() => rootKeyCrn(server, name))) === key.crn) throw sameKey()
    const lines = [
      `What is new in ${name} is under ${under} at once.`,
      `${objects === undefined ? 'What is there is' : `${countText(objects, 'object')} are`} ${reencrypt ? `sealed anew in the background: ${bytes === undefined ? 'all is' : sizeText(bytes)} read, and written again.` : 'rewrapped in the background; nothing is read or written of their contents.'}`,
      ...(key ? [`From then on nobody reads it while ${under} is disabled.`] : []),
    ]
    if (!(await confirmed(call, { name, lines, document: { bucket: name, objects, rootKeyCrn: key?.crn, reencrypt } })))
      return 'done'
    const json = key ? { encryption: 'customer-managed', rootKeyCrn: key.crn } : { encryption: 'provider-managed' }
    const answer = await server.control('PUT', `${path}/encryption`, { json: { ...json, reencrypt } })
    const job = textOf(answer, 'job', 'state')
    if (reencrypt && job === undefined) throw sameKey()
    call.out.answer(
      Object(answer),
      () =>
        `✓ ${name} is under ${under}${job === undefined ? '; it was already' : `; what was there is being ${reencrypt ? 're-encrypted' : 'rewrapped'} (coffer jobs watch ${name})`}`,
      [name],
    )
    return 'done'
  },
}
