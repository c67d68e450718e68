import type { Person } from '../../iam/user-management.ts'
import type { UserAnswer, UserSettingsAnswer } from './reply-schemas.ts'

export function writePerson(person: Person, withSettings = false): UserAnswer {
  const { uid, iamId, accountId, name, email, profile, addedAtMs } = person
  const [first = '', ...rest] = name.split(' ')
  return {
    id: uid.replaceAll('-', ''),
    iam_id: iamId,
    realm: 'IBMid',
    user_id: email === '' ? iamId : email,
    firstname: profile.firstname ?? first,
    lastname: profile.lastname ?? rest.join(' '),
    state: profile.state,
    email,
    phonenumber: profile.phonenumber ?? '',
    altphonenumber: profile.altphonenumber ?? '',
    photo: profile.photo ?? '',
    account_id: accountId,
    ...(addedAtMs === undefined ? {} : { added_on: new Date(addedAtMs).toISOString() }),
    ...(withSettings ? { settings: writeSettings(person) } : {}),
  }
}

/** Addresses that a user may come from are for networks and policies to restrict: none are kept here. */
export const writeSettings = ({ profile }: Person): UserSettingsAnswer => ({
  language: profile.language ?? '',
  notification_language: profile.notificationLanguage ?? '',
  allowed_ip_addresses: '',
  self_manage: false,
})
