import type { AwsDirectory } from '../../../iam/aws/directory.ts'
import type { AwsEntity, Bounded } from '../../../iam/aws/entity.ts'
import type { XmlObject } from '../xml/encode.ts'
import { checkAttachable } from './managed-policies.ts'
import {
  type CallFacts,
  nameOf,
  noSuchEntity,
  type QueryCall,
  type QueryOperation,
  resourceOf,
} from './query-operation.ts'

export const BOUNDARY = 'PermissionsBoundary'

/** Of who has it: AWS asks for it with whatever changes their policies. */
export const boundaryOf = (rows: readonly (AwsEntity & Bounded)[], name = ''): string | undefined =>
  rows.find((row) => row.name.toLowerCase() === name.toLowerCase())?.boundary

/** That is asked for. */
export const boundaryFact = ({ form }: QueryCall): CallFacts => ({ 'iam:permissionsboundary': form.get(BOUNDARY) })

export const boundaryXml = ({ boundary }: Bounded): XmlObject =>
  boundary === undefined ? {} : { [BOUNDARY]: { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: boundary } }

/** Throws NoSuchEntity for a policy that there is not. */
export function newBoundary(call: QueryCall): Bounded {
  const boundary = call.form.get(BOUNDARY)
  if (boundary === undefined) return {}
  checkAttachable(call, boundary)
  return { boundary }
}

function boundariesOf<Entity extends AwsEntity & Bounded>(
  kind: 'user' | 'role',
  directoryOf: (call: QueryCall) => AwsDirectory<Entity>,
): readonly QueryOperation[] {
  const Kind = kind === 'user' ? 'User' : 'Role'
  const [entity, resource] = [`${Kind}Name`, resourceOf(kind)]
  return [
    {
      ...{ name: `Put${Kind}PermissionsBoundary`, api: 'iam', takes: [entity, BOUNDARY], changes: true, resource },
      facts: boundaryFact,
      run: async (call) => {
        const boundary = call.form.require(BOUNDARY)
        await directoryOf(call).change(call.accountId, nameOf(kind, call), (row) => {
          // Within the change: it may be deleted at the same time.
          checkAttachable(call, boundary)
          return { ...row, boundary }
        })
        return undefined
      },
    },
    {
      ...{ name: `Delete${Kind}PermissionsBoundary`, api: 'iam', takes: [entity], changes: true, resource },
      facts: (call) => ({
        'iam:permissionsboundary': boundaryOf(directoryOf(call).list(call.accountId), call.form.get(entity)),
      }),
      run: async (call) => {
        await directoryOf(call).change(call.accountId, nameOf(kind, call), (row) => {
          if (row.boundary === undefined) throw noSuchEntity(`The ${kind} has no permissions boundary.`)
          return { ...row, boundary: undefined }
        })
        return undefined
      },
    },
  ]
}

type Row<Kind extends 'users' | 'roles'> = ReturnType<QueryCall['iam']['aws'][Kind]['get']>

export const BOUNDARIES: readonly QueryOperation[] = [
  ...boundariesOf<Row<'users'>>('user', ({ iam }) => iam.aws.users),
  ...boundariesOf<Row<'roles'>>('role', ({ iam }) => iam.aws.roles),
]
