import assert from 'node:assert/strict'
import type { QueryCall } from '../../../src/api/s3/query/query-operation.ts'
import { readForm } from '../../../src/api/s3/query/read-form.ts'
import { sessionDuration, givenTags as sessionTags } from '../../../src/api/s3/query/session-parameters.ts'
import { givenTags } from '../../../src/api/s3/query/tag-parameters.ts'
import { CodedError } from '../../../src/base/errors.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const READERS: readonly ((call: Pick<QueryCall, 'form'>) => unknown)[] = [
  givenTags,
  sessionTags,
  (call) => sessionDuration(call, { standard: 3600, most: 43_200 }),
  ({ form }) => form.list('PolicyArns', 'arn'),
]

/** Bodies of IAM's and STS's query APIs. */
export const queryFormTarget: FuzzTarget = {
  name: 'query-form',
  seeds: [
    'Action=CreateUser&Version=2010-05-08&UserName=u&Path=%2Fa%2F&Tags.member.1.Key=k&Tags.member.1.Value=v',
    'Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A0%3Arole%2Fr&RoleSessionName=s&DurationSeconds=900&PolicyArns.member.1.arn=a&TransitiveTagKeys.member.1=k',
    'Action=ListUsers&MaxItems=10&Marker=%C3%A9',
  ].map((each) => Buffer.from(each)),
  words: [
    '&Tags.member.2.Key=',
    '&Tags.member.99999999.Value=x',
    '&TransitiveTagKeys.member.1=',
    '&DurationSeconds=',
    '&MaxItems=',
    '&__proto__=',
    '+',
  ],
  mayThrow: refusals('ValidationError'),
  run: (input) => {
    const form = readForm(input)
    for (const name of form.names) assert.ok(form.has(name))
    for (const read of READERS) {
      try {
        read({ form })
      } catch (error) {
        if (!(error instanceof CodedError)) throw error
      }
    }
  },
}
