import type { UserId } from '../records.ts'
import type { IamState } from '../state.ts'
import type { AwsUser } from './entity.ts'
import { alreadyExists, validation } from './errors.ts'

/** How IBM's IAM ids of people and service IDs begin. */
const RESERVED = /^(?:ibmid-|iam-)/i

const lower = (text: string) => text.toLowerCase()
const namesOf = ({ name, path }: AwsUser): readonly string[] => [lower(name), lower(`${path.slice(1)}${name}`)]

/**
 * Policies know people and service IDs by ARNs that end with their IAM id, so no user of AWS's kind may be called like
 * one. Throws EntityAlreadyExists, ValidationError.
 */
export function checkUserArn({ users }: Pick<IamState, 'users'>, user: AwsUser): void {
  const names = namesOf(user)
  if (names.some((name) => RESERVED.test(name))) throw validation('Names that begin with IBMid- or iam- are reserved.')
  for (const { accountId, iamId } of users.values()) {
    if (accountId === user.accountId && names.includes(lower(iamId))) throw alreadyExists(`User with name ${user.name}`)
  }
}

/** Is a user of AWS's kind called like this one of the account's own? */
export function isAwsUserName({ awsUsers }: Pick<IamState, 'awsUsers'>, { accountId, iamId }: UserId): boolean {
  for (const user of awsUsers.values()) {
    if (user.accountId === accountId && namesOf(user).includes(lower(iamId))) return true
  }
  return false
}
