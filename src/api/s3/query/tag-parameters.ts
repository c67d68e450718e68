import { arnOf } from '../../../iam/aws/entity.ts'
import { type IamTag, type Tagged, withTags } from '../../../iam/aws/tags.ts'
import type { XmlObject } from '../xml/encode.ts'
import { type CallFacts, type QueryCall, type QueryForm, validation } from './query-operation.ts'

export const TAGS_TAKEN = ['Tags.member.N.Key', 'Tags.member.N.Value'] as const

/** Throws ValidationError for a list that is not whole. */
export function givenTags({ form }: Pick<QueryCall, 'form'>): readonly IamTag[] {
  const tags: IamTag[] = []
  for (let index = 1; ; index++) {
    const [key, value] = (['Key', 'Value'] as const).map((part) => `Tags.member.${index}.${part}`)
    if (key === undefined || value === undefined || !form.has(key)) break
    if (!form.has(value)) throw validation('A tag has a Key and a Value.')
    tags.push({ key: form.get(key) ?? '', value: form.get(value) ?? '' })
  }
  checkWhole(form, 'Tags', tags.length * 2 - tags.filter(({ value }) => value === '').length)
  return tags
}

/** What is left out of a list would be left undone. */
export function checkWhole({ names }: QueryForm, list: string, count: number): void {
  if (names.filter((name) => name.startsWith(`${list}.`)).length !== count) {
    throw validation(`${list} is a list whose members are numbered from 1 on.`)
  }
}

/** For conditions. */
export const requestTagFacts = (tags: readonly IamTag[]): CallFacts =>
  tags.length === 0
    ? {}
    : {
        ...Object.fromEntries(tags.map(({ key, value }) => [`aws:requesttag/${key.toLowerCase()}`, value])),
        'aws:tagkeys': tags.map(({ key }) => key),
      }
export const tagsGiven = (call: QueryCall): CallFacts => requestTagFacts(givenTags(call))

/** AWS: whoever makes something with tags needs the right to tag it, too. */
export const needsToTag =
  (action: 'TagUser' | 'TagRole' | 'TagPolicy') =>
  (call: QueryCall): readonly string[] =>
    givenTags(call).length > 0 ? [action] : []

/** Of what is being made. */
export const newTags = (call: QueryCall): Tagged => withTags<Tagged>({}, givenTags(call))

export const tagsXml = ({ tags = [] }: Tagged): XmlObject =>
  tags.length > 0 ? { Tags: { member: tags.map(tagXml) } } : {}

export const tagXml = ({ key, value }: IamTag): XmlObject => ({ Key: key, Value: value })

/** What the ARN is of, while it is there. */
export function tagsOfArn({ aws }: QueryCall['iam'], arn: string): readonly IamTag[] {
  const [, accountId = '', kind] = /^arn:aws:iam::([^:]+):(user|role|policy)\//.exec(arn) ?? []
  if (kind === 'user') return aws.users.list(accountId).find((row) => arnOf('user', row) === arn)?.tags ?? []
  if (kind === 'role') return aws.roles.list(accountId).find((row) => arnOf('role', row) === arn)?.tags ?? []
  return (kind === 'policy' && aws.customerPolicies.find(accountId, arn)?.tags) || []
}
