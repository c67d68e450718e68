import { hasCode } from '../../../base/errors.ts'
import { checkReadConditions, type ReadConditions } from '../../../objects/conditions.ts'
import type { ObjectsErrorCode } from '../../../objects/errors.ts'
import { conditionNeeds, readConditions, writeConditions } from '../condition-headers.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { refuseUnsupported } from '../refused-headers.ts'
import type { S3Request } from '../request.ts'
import { bucketTarget, located, objectTarget } from '../target.ts'
import { decodeComponent } from '../uri.ts'

const SOURCE = 'x-amz-rename-source'
const TOKEN = 'x-amz-client-token'

/** S3 has it for directory buckets. Who renames reads under one name, writes under another, and deletes. */
export const renameObject = defineOperation({
  name: 'RenameObject',
  method: 'PUT',
  on: 'object',
  query: { renameObject: true },
  action: 's3:PutObject',
  makes: 'name',
  alsoNeeds: conditionNeeds,
  parse: (request) => {
    refuseUnsupported(request)
    refuseDates(request)
    return {
      target: objectTarget(request),
      source: renameSource(request),
      conditions: writeConditions(request),
      sourceConditions: readConditions(request, `${SOURCE}-`),
      token: clientToken(request),
    }
  },
  run: async ({ target, source, conditions, sourceConditions, token }, context) => {
    for (const action of ['s3:GetObject', 's3:DeleteObject'] as const) await context.require({ ...source, action })
    const { bucket, key } = located(target, context)
    const check = (object: Parameters<typeof checkReadConditions>[1]) => checkSource(sourceConditions, object)
    await context.objects.rename({ bucket, from: source.key, to: key, conditions, check, token })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})

/** The key, or `/bucket/key` of the same bucket; percent-encoded. */
function renameSource(request: S3Request): { readonly bucket: string; readonly key: string } {
  const bucket = bucketTarget(request)
  const value = request.headers.get(SOURCE) ?? ''
  const decoded = decodeComponent(value)
  const prefix = `/${bucket}/`
  const key = decoded.startsWith(prefix) ? decoded.slice(prefix.length) : decoded
  if (key !== '') return { bucket, key }
  throw new S3Error('InvalidArgument', `${SOURCE} must name the object to be renamed.`, {
    extra: { ArgumentName: SOURCE, ArgumentValue: value },
  })
}

/** Of what has the new name: they would have to be held to, and are not. */
function refuseDates({ headers }: S3Request): void {
  const name = ['if-modified-since', 'if-unmodified-since'].find((date) => headers.has(date))
  if (name !== undefined) throw new S3Error('NotImplemented', undefined, { extra: { Header: name } })
}

function clientToken({ headers }: S3Request): string | undefined {
  const token = headers.get(TOKEN)
  if (token === undefined || /^[!-~]{1,64}$/.test(token)) return token
  throw new S3Error('InvalidArgument', 'The client token is not valid.', {
    extra: { ArgumentName: TOKEN, ArgumentValue: token },
  })
}

/** S3: 412 for all of them. */
function checkSource(conditions: ReadConditions, object: Parameters<typeof checkReadConditions>[1]): void {
  try {
    checkReadConditions(conditions, object)
  } catch (cause) {
    if (hasCode<ObjectsErrorCode>(cause, 'NotModified')) throw new S3Error('PreconditionFailed', undefined, { cause })
    throw cause
  }
}
