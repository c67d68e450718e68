import type { AwsDirectory } from '../../../iam/aws/directory.ts'
import { type AwsEntity, arnOf } from '../../../iam/aws/entity.ts'
import { nameOf, noSuchEntity, type QueryCall, type QueryOperation, resourceOf } from './query-operation.ts'

/** What users and groups have in common: another name or path, which takes the right on both ARNs, and their end. */
export function renameAndDelete<Entity extends AwsEntity>(
  kind: 'user' | 'group',
  directoryOf: (call: QueryCall) => AwsDirectory<Entity>,
): readonly QueryOperation[] {
  const noun = kind === 'user' ? 'User' : 'Group'
  const named = `${noun}Name`
  const resource = resourceOf(kind)
  /** With the name and the path that are asked for. */
  const renamed = (call: QueryCall): Pick<Entity, 'id' | 'accountId' | 'name' | 'path'> => {
    const { id, accountId, name, path } = directoryOf(call).get(call.accountId, nameOf(kind, call))
    return { id, accountId, name: call.form.get(`New${named}`) ?? name, path: call.form.get('NewPath') ?? path }
  }
  return [
    {
      ...{ name: `Update${noun}`, api: 'iam', takes: [named, `New${named}`, 'NewPath'], changes: true, resource },
      becomes: (call) => arnOf(kind, renamed(call)),
      run: async (call) => {
        // As it was when the permission was asked for.
        const { id, name, path } = renamed(call)
        await directoryOf(call).change(call.accountId, nameOf(kind, call), (entity) => {
          if (entity.id !== id) throw noSuchEntity(`The ${kind} was changed at the same time.`)
          return { ...entity, name, path }
        })
        return undefined
      },
    },
    {
      ...{ name: `Delete${noun}`, api: 'iam', takes: [named], changes: true, resource },
      run: async (call) => {
        await directoryOf(call).remove(call.accountId, nameOf(kind, call))
        return undefined
      },
    },
  ]
}
