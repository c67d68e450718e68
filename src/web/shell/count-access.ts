import { listPolicies } from '../client/iam.ts'

export async function listAuthorizationsAndPolicies(): Promise<{
  readonly authorizations: number
  readonly policies: number
}> {
  const all = await listPolicies()
  const authorizations = all.filter(({ type }) => type === 'authorization').length
  return { authorizations, policies: all.length - authorizations }
}
