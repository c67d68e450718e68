import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { OPERATIONS as ADMIN } from '../../src/api/admin/operations/index.ts'
import type { JsonOperationInfo } from '../../src/api/common/json-operation.ts'
import { operationIdOf, pathOf } from '../../src/api/common/openapi/document.ts'
import * as apiKeys from '../../src/api/iam/operations/api-keys/index.ts'
import * as policies from '../../src/api/iam/operations/index.ts'
import * as resourceInstances from '../../src/api/iam/operations/resource-instances/index.ts'
import * as resourceKeys from '../../src/api/iam/operations/resource-keys/index.ts'
import * as serviceIds from '../../src/api/iam/operations/service-ids/index.ts'
import * as signingKeys from '../../src/api/iam/operations/signing-keys/index.ts'
import * as users from '../../src/api/iam/operations/users/index.ts'
import { OPERATIONS as KEY_PROTECT } from '../../src/api/key-protect/operations/index.ts'
import { VERSION } from '../../src/server/version.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'

const IAM = [policies, apiKeys, resourceInstances, resourceKeys, serviceIds, signingKeys, users].flatMap(
  (operations): readonly JsonOperationInfo[] => Object.values(operations),
)
const TABLES: Readonly<Record<string, readonly JsonOperationInfo[]>> = {
  ...{ 'key-protect': KEY_PROTECT, iam: IAM, admin: ADMIN },
}

let test: TestHouse
let keys: KeyOwner
beforeAll(async () => {
  test = await startHouse()
  keys = await keyOwner(test.controlUrl)
})
afterAll(() => test[Symbol.asyncDispose]())

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[]
  readonly requestBody?: { readonly required: boolean; readonly content: object }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: object }>> }>>
}
interface Document {
  readonly openapi: string
  readonly info: { readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}
const documentOf = async (name: string): Promise<Document> => {
  // Nobody has to be signed in.
  const reply = await fetch(`${test.controlUrl}/openapi/${name}.json`)
  expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'application/json'])
  return z.custom<Document>().parse(await reply.json())
}

describe('The documents of the APIs', () => {
  it.each(['key-protect', 'iam', 'admin', 'resource-configuration'])('%s is one of OpenAPI 3.1', async (name) => {
    const document = await documentOf(name)
    expect([document.openapi, document.info.version]).toEqual(['3.1.1', VERSION])
    const { valid, errors } = await new Validator().validate(structuredClone({ ...document }))
    expect([valid, errors]).toEqual([true, undefined])
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.values(item).map(({ operationId }) => operationId),
    )
    expect(ids).toEqual([...new Set(ids)])
  })

  it.each(Object.keys(TABLES))('%s has every operation of its tables', async (name) => {
    const { paths } = await documentOf(name)
    for (const operation of TABLES[name] ?? []) {
      const found = paths[pathOf(operation)]?.[operation.method.toLowerCase()]
      expect(found?.operationId).toBe(operationIdOf(operation))
      expect(found?.summary).not.toBe('')
      expect(found?.requestBody !== undefined).toBe(operation.bodySchema !== undefined)
      const inPath = found?.parameters?.filter((one) => one.in === 'path').map((one) => one.name) ?? []
      expect(inPath).toEqual(Array.from(operation.path.matchAll(/:(\w+)/g), ([, parameter]) => parameter))
    }
    expect(TABLES[name]?.length).toBeGreaterThan(20)
  })

  it('say of each call of administration what it answers', async () => {
    for (const { name, reply, summary } of ADMIN) expect([name, reply && summary && 'told']).toEqual([name, 'told'])
  })

  it('hold nothing of this server', async () => {
    for (const name of Object.keys(TABLES)) {
      expect(JSON.stringify(await documentOf(name))).not.toContain(mainAccount.id)
    }
  })

  it('are what is answered', async () => {
    const documents = new Map<string, Document>()
    for (const name of Object.keys(TABLES)) documents.set(name, await documentOf(name))
    await test.client().send(new CreateBucketCommand({ Bucket: 'described' }))
    await test.client().send(new PutObjectCommand({ Bucket: 'described', Key: 'k', Body: 'x' }))
    const { id, crn } = await keys.newKey('described')
    const to = { encryption: 'customer-managed', rootKeyCrn: crn }
    const account = `account_id=${mainAccount.id}`
    const bucket = '/admin/v1/buckets/described'
    const calls: readonly (readonly [string, string, string, string, unknown?])[] = [
      ['key-protect', 'GET', '/api/v2/keys', '/api/v2/keys?limit=5'],
      ['key-protect', 'GET', '/api/v2/keys/{id}', `/api/v2/keys/${id}`],
      ['key-protect', 'GET', '/api/v2/keys/{id}/versions', `/api/v2/keys/${id}/versions`],
      ['key-protect', 'POST', '/api/v2/keys/{id}/actions/wrap', `/api/v2/keys/${id}/actions/wrap`, {}],
      ['iam', 'GET', '/v1/policies', `/v1/policies?${account}`],
      ['iam', 'GET', '/v2/policies', `/v2/policies?${account}`],
      ['iam', 'GET', '/v1/serviceids', `/v1/serviceids?${account}`],
      ['iam', 'GET', '/v2/accounts/{account_id}/users', `/v2/accounts/${mainAccount.id}/users`],
      ['iam', 'GET', '/v2/resource_instances', '/v2/resource_instances'],
      ['admin', 'PUT', '/admin/v1/buckets/{name}/encryption', `${bucket}/encryption`, to],
      ['admin', 'POST', '/admin/v1/buckets/{name}/rewrap', `${bucket}/rewrap`],
      ['admin', 'GET', '/admin/v1/buckets/{name}/usage', `${bucket}/usage`],
      ['admin', 'GET', '/admin/v1/buckets/{name}/envelope', `${bucket}/envelope?key=k`],
      ['admin', 'GET', '/admin/v1/buckets/{name}/who-can-read', `${bucket}/who-can-read`],
      ['admin', 'GET', '/admin/v1/keys/usage', `/admin/v1/keys/usage?${new URLSearchParams({ crn })}`],
      ['admin', 'GET', '/admin/v1/keys/impact', `/admin/v1/keys/impact?${new URLSearchParams({ crn })}`],
      ['admin', 'GET', '/admin/v1/buckets', '/admin/v1/buckets'],
      ['admin', 'GET', '/admin/v1/jobs', '/admin/v1/jobs'],
      ['admin', 'GET', '/admin/v1/activity', '/admin/v1/activity'],
      ['admin', 'GET', '/admin/v1/overview', '/admin/v1/overview'],
      ['admin', 'GET', '/admin/v1/samples', '/admin/v1/samples'],
      ['admin', 'GET', '/admin/v1/scrub', '/admin/v1/scrub'],
      ['admin', 'GET', '/admin/v1/scrub/findings', '/admin/v1/scrub/findings'],
      ['admin', 'GET', '/admin/v1/settings', '/admin/v1/settings'],
      ['admin', 'POST', '/admin/v1/usage/recount', '/admin/v1/usage/recount'],
      ['admin', 'POST', '/admin/v1/share', '/admin/v1/share', { bucket: 'described', key: 'k' }],
      ['admin', 'POST', '/admin/v1/simulate', '/admin/v1/simulate', { action: 'iam.policy.create' }],
    ]
    for (const [name, method, path, target, body] of calls) {
      const { status, json } = await keys.call(method, target, body)
      expect([target, status < 300]).toEqual([target, true])
      const described = documents.get(name)?.paths[path]?.[method.toLowerCase()]?.responses['2XX']?.content
      const schema = described?.['application/json']?.schema
      expect([path, typeof schema]).toEqual([path, 'object'])
      const read = z.fromJSONSchema(z.custom<Parameters<typeof z.fromJSONSchema>[0]>().parse(schema))
      const { error } = read.safeParse(json)
      expect([path, read.safeParse([]).success]).toEqual([path, false])
      expect([path, error?.issues]).toEqual([path, undefined])
    }
  })
})
