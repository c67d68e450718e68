import { validation } from '../../../iam/aws/errors.ts'
import type { S3Request } from '../request.ts'
import type { QueryForm } from './query-operation.ts'

const SIGNED_FOR_QUERY = /Credential=[^,\s]*\/(?:iam|sts)\/aws4_request|^Bearer console\./

/**
 * A call of the query APIs of IAM or STS: a form that is posted to the service itself, signed for them or not at all, or
 * with a token that the console's gate lent.
 */
export const isQueryCall = ({ method, bucket, key, headers, rawQuery, website }: S3Request): boolean =>
  method === 'POST' &&
  bucket === undefined &&
  key === undefined &&
  website === undefined &&
  rawQuery === '' &&
  /^application\/x-www-form-urlencoded\b/i.test(headers.get('content-type') ?? '') &&
  (!headers.has('authorization') || SIGNED_FOR_QUERY.test(headers.get('authorization') ?? ''))

/** Throws ValidationError for a parameter that is given twice. */
export function readForm(body: Buffer): QueryForm {
  const values = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    if (values.has(name)) throw validation(`The parameter ${name} is given twice.`)
    values.set(name, value)
  }
  const get = (name: string): string | undefined => values.get(name) || undefined
  return {
    get,
    has: (name) => values.has(name),
    require: (name) => {
      const value = get(name)
      if (value === undefined) throw validation(`The request must contain the parameter ${name}.`)
      return value
    },
    list: (name, member) => {
      const found: string[] = []
      for (let index = 1; ; index++) {
        const value = get(`${name}.member.${index}${member === undefined ? '' : `.${member}`}`)
        if (value === undefined) return found
        found.push(value)
      }
    },
    names: [...values].flatMap(([name, value]) => (value === '' ? [] : [name])),
  }
}
