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

const IAM = [policies, apiKeys, resourceInstances, resourceKeys, serviceIds, signingKeys, users].flatMap(
  (operations): readonly JsonOperationInfo[] => Object.values(operations),
)
const TABLES: Readonly<Record<string, readonly JsonOperationInfo[]>> = {
  ...{ 'key-protect': KEY_PROTECT, iam: IAM, admin: ADMIN },
}

let test: TestHouse
beforeAll(async () => {
  test = await startHouse()
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
})
