import { noSuchEntity, PAGING, paged, type QueryCall, type QueryOperation, resourceOf } from './query-operation.ts'

/** What users and roles of AWS can have and none has here: clients ask for it before they delete one. */
const LISTS: readonly (readonly [name: string, kind: 'user' | 'role', list: string])[] = [
  ['ListInstanceProfilesForRole', 'role', 'InstanceProfiles'],
  ['ListMFADevices', 'user', 'MFADevices'],
  ['ListSSHPublicKeys', 'user', 'SSHPublicKeys'],
  ['ListSigningCertificates', 'user', 'Certificates'],
]

const PARAMETER = { user: 'UserName', role: 'RoleName' } as const

/** Throws NoSuchEntity. Users that are not named are the caller. */
function check(kind: 'user' | 'role', { form, accountId, iam }: QueryCall): void {
  const name = form.get(PARAMETER[kind])
  if (name !== undefined) iam.aws[`${kind}s`].get(accountId, name)
  else if (kind === 'role') form.require(PARAMETER.role)
}

const login = (name: string, changes: boolean): QueryOperation => ({
  ...{ name, api: 'iam', takes: ['UserName'], resource: resourceOf('user'), ...(changes ? { changes } : {}) },
  run: (call) => {
    check('user', call)
    throw noSuchEntity('The user has no login profile: nobody signs in with a password here.')
  },
})

export const NOTHING_THERE: readonly QueryOperation[] = [
  ...LISTS.map(
    ([name, kind, list]): QueryOperation => ({
      ...{ name, api: 'iam', takes: [PARAMETER[kind], ...PAGING], resource: resourceOf(kind) },
      run: (call) => {
        check(kind, call)
        return { [list]: {}, ...paged(call, [], () => '').facts }
      },
    }),
  ),
  login('GetLoginProfile', false),
  login('DeleteLoginProfile', true),
]
