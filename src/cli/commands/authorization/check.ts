import { allows, authorizations, instanceOf } from '../../authorizations.ts'
import { CommandFailure, usage } from '../../failure.ts'
import { inShell } from '../../in-shell.ts'
import { keyReference } from '../../key-face.ts'
import { findKey, keyLabel } from '../../key-protect.ts'
import { readBucket } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'
import { rootKeyCrn } from '../../why-locked.ts'

export const checkAuthorization: CommandSpec = {
  name: 'check',
  summary: 'Says whether a bucket may use its root key, and whether the key can be used.',
  options: {
    bucket: { value: 'bucket', help: 'an existing one', kind: 'bucket' },
    key: { value: 'key', help: 'a key that a bucket is to be made under', kind: 'key' },
  },
  examples: ['coffer authorization check --bucket invoices', 'coffer authorization check --key finance-root'],
  see: ['coffer bucket who-can-read'],
  run: async (call) => {
    const [bucket, named] = [call.text('bucket'), call.text('key')]
    if ((bucket === undefined) === (named === undefined)) throw usage('give either --bucket or --key')
    call.doing(`check the authorization of ${bucket ?? named}`)
    const server = await call.server()
    const crn = bucket === undefined ? named : await rootKeyCrn(server, readBucket(bucket))
    if (crn === undefined) {
      call.out.answer(
        { bucket, encryption: 'provider-managed', authorized: true },
        () => `✓ ${bucket} is under the key of the store, which needs no authorization`,
      )
      return 'done'
    }
    const key = await findKey(server, crn)
    const source = await instanceOf(server, 'cloud-object-storage', server.objectStorageCrn)
    const granting = (await authorizations(server)).filter((one) => allows(one, source, key))
    const label = `${key.instance.name}/${keyLabel(key)}`
    const [first] = granting
    if (!first) {
      throw new CommandFailure({
        code: 'AuthorizationMissing',
        ending: 'refused',
        why: `${source.name} isn't authorized to use ${key.instance.name}`,
        fixes: [`coffer authorization create --source ${inShell(source.name)} --target ${inShell(key.instance.name)}`],
      })
    }
    if (key.state !== 'active') {
      throw new CommandFailure({
        code: 'RootKeyDisabled',
        ending: 'keyUnavailable',
        why: `it is authorized, and its root key ${label} is ${key.state === 'destroyed' ? 'deleted' : key.state}`,
        fixes: [`coffer key ${key.state === 'destroyed' ? 'restore' : 'enable'} ${keyReference(key)}`],
      })
    }
    const document = {
      bucket,
      rootKeyCrn: key.crn,
      authorized: true,
      keyState: key.state,
      authorizations: granting.map(({ id }) => id),
    }
    call.out.answer(
      document,
      () => `✓ ${source.name} may use ${label}, which is active  (${granting.map(({ id }) => id).join(', ')})`,
      [first.id],
    )
    return 'done'
  },
}
