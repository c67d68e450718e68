import fc from 'fast-check'
import { OPERATIONS as ADMIN } from '../../../src/api/admin/operations/index.ts'
import { parseForm, parseJson } from '../../../src/api/common/body.ts'
import type { ApiRequest } from '../../../src/api/common/request.ts'
import * as apiKeys from '../../../src/api/iam/operations/api-keys/index.ts'
import * as iam from '../../../src/api/iam/operations/index.ts'
import * as resourceInstances from '../../../src/api/iam/operations/resource-instances/index.ts'
import * as resourceKeys from '../../../src/api/iam/operations/resource-keys/index.ts'
import * as serviceIds from '../../../src/api/iam/operations/service-ids/index.ts'
import * as signingKeys from '../../../src/api/iam/operations/signing-keys/index.ts'
import * as users from '../../../src/api/iam/operations/users/index.ts'
import { normaliseBody } from '../../../src/api/key-protect/bodies.ts'
import { OPERATIONS as KEY_PROTECT } from '../../../src/api/key-protect/operations/index.ts'
import * as resourceConfig from '../../../src/api/resource-config/operations/index.ts'
import { CodedError } from '../../../src/base/errors.ts'
import { parseStrictJson } from '../../../src/base/strict-json.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const request: ApiRequest = {
  ...{
    id: 'fuzz',
    correlationId: 'fuzz',
    traceparent: undefined,
    method: 'POST',
    rawPath: '/',
    url: 'http://localhost/',
  },
  ...{
    param: () => 'a',
    query: new Map(),
    header: () => undefined,
    remoteAddress: undefined,
    localPort: undefined,
    secure: true,
  },
  signal: new AbortController().signal,
}

interface Reading {
  readonly name: string
  readonly readsBody: boolean
  readonly prepare: (request: ApiRequest, decoded: unknown) => unknown
}
const OTHERS: readonly Reading[] = [
  iam,
  apiKeys,
  resourceInstances,
  resourceKeys,
  serviceIds,
  signingKeys,
  users,
  resourceConfig,
]
  .flatMap((operations): readonly Reading[] => Object.values(operations))
  .concat(ADMIN)
  .filter(({ readsBody }) => readsBody)

const BODIES = [
  {
    metadata: { collectionType: 'application/vnd.ibm.kms.key+json', collectionTotal: 1 },
    resources: [
      {
        type: 'application/vnd.ibm.kms.key+json',
        name: 'n',
        aliasList: ['a'],
        extractable: false,
        payload: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
        expirationDate: '2030-01-01T00:00:00Z',
      },
    ],
  },
  { plaintext: 'AAAA', ciphertext: 'AAAA', aad: ['a', 'b'] },
  {
    metadata: {},
    resources: [
      {
        rotation: { interval_month: 3, enabled: true },
        dualAuthDelete: { enabled: true },
        policy_type: 'allowedIP',
        policy_data: { enabled: true, attributes: { allowed_ip: ['10.0.0.0/8'] } },
      },
    ],
  },
  {
    type: 'access',
    description: 'd',
    subjects: [{ attributes: [{ name: 'iam_id', value: 'IBMid-1' }] }],
    roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:Reader' }],
    resources: [{ attributes: [{ name: 'serviceName', value: 'kms', operator: 'stringEquals' }], tags: [] }],
  },
  {
    type: 'access',
    subject: { attributes: [{ key: 'iam_id', operator: 'stringEquals', value: 'IBMid-1' }] },
    resource: { attributes: [{ key: 'serviceName', operator: 'stringEquals', value: 'kms' }] },
    control: { grant: { roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:Reader' }] } },
    rule: {
      operator: 'and',
      conditions: [{ key: '{{environment.attributes.day_of_week}}', operator: 'dayOfWeekAnyOf', value: ['1+00:00'] }],
    },
    pattern: 'time-based-conditions:weekly',
  },
  {
    name: 'n',
    account_id: 'a',
    iam_id: 'IBMid-1',
    apikey: 'k',
    store_value: true,
    locked: false,
    unique_instance_crns: [],
  },
  {
    name: 'n',
    target: 'bluemix-us-south',
    resource_group: 'g',
    resource_plan_id: 'p',
    parameters: { HMAC: true },
    tags: ['t'],
  },
  {
    hard_quota: 1,
    firewall: { allowed_ip: ['10.0.0.0/8'], allowed_network_type: ['private'] },
    activity_tracking: { read_data_events: true },
  },
  {
    encryption: 'customer-managed',
    rootKeyCrn: 'crn:v1:bluemix:public:kms:us-south:a/0:i:key:k',
    bucketKey: true,
    repair: true,
  },
]
const NAMES = [
  ...new Set(BODIES.flatMap((body) => [...JSON.stringify(body).matchAll(/"(\w+)":/g)].map(([, name]) => name ?? ''))),
]
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -1, 1e21, '', 'a', '*', '2030-01-01T00:00:00Z', 'AAAA', 'crn:v1:'),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES, '__proto__', 'constructor', 'toString'), tie('json'), { maxKeys: 5 }),
  ),
}))

/** Bodies of every call of the control listener, up to where it acts. */
export const jsonBodiesTarget: FuzzTarget = {
  name: 'json-bodies',
  seeds: BODIES.map((body) => Buffer.from(JSON.stringify(body))),
  inputs: json.map((body) => Buffer.from(JSON.stringify(body))),
  words: [...NAMES.map((name) => `"${name}":`), '[[[[[[[[[[[[[[[[', '{"a":{"a":{"a":'],
  mayThrow: refusals('BodyMalformed', 'BodyInvalid', 'BodyMissing'),
  run: (input) => {
    const decoded = parseJson(input)
    for (const operation of KEY_PROTECT) if (operation.readsBody) prepare(operation, decoded, normaliseBody)
    for (const operation of OTHERS) prepare(operation, decoded)
    try {
      parseStrictJson(input.toString('utf8'))
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
    parseForm(Buffer.from(new URLSearchParams({ body: input.toString('latin1') }).toString()))
  },
}

function prepare(operation: Reading, decoded: unknown, normalised = (body: unknown): unknown => body): void {
  try {
    operation.prepare(request, decoded === undefined ? undefined : normalised(decoded))
  } catch (error) {
    // Each is to have its turn.
    if (!(error instanceof CodedError)) throw error
  }
}
