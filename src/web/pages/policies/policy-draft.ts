import type { Policy, PolicyDraft } from '../../client/iam.ts'
import { session } from '../../client/session.ts'

/** A role for somebody on the instances of a service. */
export interface Grant {
  readonly iamId: string
  readonly service: string
  /** GUID; '' for every one of the account. */
  readonly instance: string
  readonly role: string
}

export const grantDraft = ({ iamId, service, instance, role }: Grant): PolicyDraft => ({
  type: 'access',
  subjects: [{ attributes: [{ name: 'iam_id', value: iamId }] }],
  roles: [{ role_id: role }],
  resources: [
    {
      attributes: [
        { name: 'accountId', value: session().account.id },
        { name: 'serviceName', value: service },
        ...(instance === '' ? [] : [{ name: 'serviceInstance', value: instance }]),
      ],
    },
  ],
})

/** What can be set of a policy, to be edited. */
export const draftText = ({ type, description, subjects, roles, resources }: PolicyDraft | Policy): string =>
  JSON.stringify(
    {
      type,
      ...(description === undefined ? {} : { description }),
      subjects,
      roles: roles.map(({ role_id }) => ({ role_id })),
      resources,
    },
    undefined,
    2,
  )
