import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { accountCodec } from '../../../src/iam/accounts.ts'
import { apiKeyCodec } from '../../../src/iam/api-keys.ts'
import { customerPolicyCodec } from '../../../src/iam/aws/customer-policy.ts'
import { awsGroupCodec, awsRoleCodec, awsUserCodec } from '../../../src/iam/aws/entity.ts'
import { credentialCodec } from '../../../src/iam/credentials.ts'
import { customRoleCodec } from '../../../src/iam/custom-role.ts'
import { instanceCodec, removedInstanceCodec } from '../../../src/iam/instances.ts'
import { oidcProviderCodec } from '../../../src/iam/oidc/provider.ts'
import { policyCodec } from '../../../src/iam/policy-codec.ts'
import { resourceKeyCodec } from '../../../src/iam/resource-key-row.ts'
import { signingKeyCodec } from '../../../src/iam/signing-key-row.ts'
import { openTable, type RowCodec } from '../../../src/iam/table.ts'
import { userCodec } from '../../../src/iam/users.ts'
import { aliasRecords } from '../../../src/kms/aliases.ts'
import { importTokenRecords } from '../../../src/kms/import-tokens.ts'
import { instancePolicyRecords } from '../../../src/kms/instance-policies.ts'
import { keyRingRecords } from '../../../src/kms/key-rings.ts'
import { KEY_STATE } from '../../../src/kms/key-states.ts'
import { decodeVersion, encodeVersion } from '../../../src/kms/key-versions.ts'
import { keyRecords } from '../../../src/kms/keys.ts'
import type { RecordCodec } from '../../../src/kms/record.ts'
import { registrationRecords } from '../../../src/kms/registrations.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { type FuzzTarget, never, refusals } from '../target.ts'

const ID = '11111111-1111-4111-8111-111111111111'
const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const namesIn = (values: readonly unknown[]): string[] => [
  ...new Set(values.flatMap((value) => [...JSON.stringify(value).matchAll(/"(\w+)":/g)].map(([, name]) => name ?? ''))),
]
/** Anything under the names that rows have. */
const anyUnder = (names: readonly string[]): fc.Arbitrary<unknown> =>
  fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, 0, -1, 1e21, '', 'a', ID, 'AAAA', 'active', 'kms', '2030-01-01T00:00:00Z'),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names, '__proto__', 'constructor'), tie('json'), { maxKeys: 8 }),
    ),
  })).json
const unpolluted = (): void => assert.deepEqual(Object.keys(Object.prototype), [], 'every object has got a member')

const policyFacts = { id: ID, createdAt: 1, createdBy: 'a', updatedAt: 2, updatedBy: 'b' }
const key = {
  ...{ id: ID, name: 'n', description: 'd', tags: ['t'], extractable: false, imported: true, keyRingId: 'default' },
  state: KEY_STATE.active,
  ...{ createdAt: 1, createdBy: 'a', updatedAt: 2, stateChangedAt: 1, expiresAt: 9, erased: false },
  rotation: { ...policyFacts, enabled: true, intervalMonths: 3 },
  dualAuthDelete: { ...policyFacts, enabled: true, setForDeletion: { by: 'a', at: 1, expiresAt: 2 } },
} as const
const registration = {
  ...{ resourceCrn: 'crn:v1:', description: 'd', preventKeyDeletion: true, createdAt: 1, createdBy: 'a' },
  ...{ updatedAt: 2, updatedBy: 'b', keyVersionId: ID, registrationMetadata: 'm' },
}
const instancePolicy = {
  ...{ enabled: true, createdAt: 1, createdBy: 'a', updatedAt: 2, updatedBy: 'b' },
  attributes: { allowedIp: ['10.0.0.0/8'], intervalMonths: 3 },
}
const KMS_SEEDS: readonly Buffer[] = [
  keyRecords.encode(key),
  encodeVersion({ id: ID, sequence: 1, createdAt: 1, sealed: Buffer.from('sealed') }),
  registrationRecords.encode(registration),
  aliasRecords.encode({ keyId: ID, createdAt: 1, createdBy: 'a' }),
  keyRingRecords.encode({ createdAt: 1, createdBy: 'a' }),
  instancePolicyRecords.encode(instancePolicy),
]

const reencoded = <Row>({ encode, decode }: RecordCodec<Row>) => {
  return (input: Buffer): void => {
    const row = decode(input)
    assert.deepEqual(decode(encode(row)), row)
  }
}
const KMS_READERS: readonly ((input: Buffer) => void)[] = [
  reencoded(keyRecords),
  reencoded(registrationRecords),
  reencoded(aliasRecords),
  reencoded(keyRingRecords),
  reencoded(instancePolicyRecords),
  reencoded(importTokenRecords),
  (input) => {
    const version = decodeVersion(7, input)
    assert.deepEqual(decodeVersion(7, encodeVersion(version)), version)
  },
]
const KMS_NAMES = namesIn(KMS_SEEDS.map((bytes) => JSON.parse(bytes.toString())))

/** Rows of the key service, once their seal is open. */
export const kmsRowsTarget: FuzzTarget = {
  name: 'kms-rows',
  seeds: KMS_SEEDS,
  inputs: anyUnder(KMS_NAMES).map((row) => text(typeof row === 'object' ? { format: 1, ...row } : row)),
  words: KMS_NAMES.map((name) => `"${name}":`),
  mayThrow: refusals('KeyDamaged'),
  run: (input) => {
    const refused = KMS_READERS.map((read) => {
      try {
        return void read(input)
      } catch (error) {
        if (!refusals('KeyDamaged')(error)) throw error
        return error
      }
    })
    unpolluted()
    if (refused.every((error) => error !== undefined)) throw refused[0]
  },
}

const life = {
  ...{ createdAtMs: 1, createdBy: 'a', modifiedAtMs: 2, revision: 3 },
  history: [{ atMs: 1, iamId: 'a', accountId: 'b', action: 'c', params: ['d'] }],
}
const owner = { accountId: 'a', iamId: 'IBMid-1' }
const instance = { guid: ID, service: 'kms', region: 'us-south', accountId: 'a', name: 'n', sequence: 1 }
const details = {
  ...{ planId: 'p', resourceGroupId: 'g', locked: false, onetimeCredentials: false, allowCleanup: true },
  life,
}
const entity = {
  ...{ accountId: 'a', id: 'AIDA', name: 'n', path: '/', createdAtMs: 1 },
  ...{ policies: [{ name: 'p', document: '{}' }], attached: ['arn:aws:iam::a:policy/p'] },
}
const IAM_ROWS: readonly unknown[] = [
  { id: 'a', name: 'n', canonicalId: 'c' },
  { ...instance, details },
  { ...instance, details, removedAtMs: 4, removedBy: 'a' },
  { ...owner, name: 'n', email: 'e', uid: ID, roles: { kms: 'Reader' }, life, profile: { state: 'ACTIVE' } },
  { ...owner, hash: 'abcd', id: 'ApiKey-1', name: 'n', life, locked: false, disabled: false, expiresAtMs: 9 },
  { ...entity, groups: ['AGPA'], tags: [{ key: 'k', value: 'v' }], boundary: 'arn:' },
  entity,
  { ...entity, tags: [], trust: '{}', trustIds: { 'arn:': 'AIDA' }, maxSessionSeconds: 3600, description: 'd' },
  { accountId: 'a', id: ID, url: 'https://a', clientIds: ['c'], thumbprints: [], createdAtMs: 1 },
  {
    ...{ accountId: 'a', id: 'ANPA', name: 'n', path: '/', createdAtMs: 1, updatedAtMs: 1, tags: [] },
    ...{ versions: [{ number: 1, document: '{}', createdAtMs: 1 }], defaultVersion: 1, lastVersion: 1 },
  },
]
const sealingKey = Buffer.alloc(32, 6)
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const CREDENTIALS = credentialCodec(sealingKey)
const SIGNING_KEYS = signingKeyCodec(sealingKey)
const SEALED_ROWS = [
  CREDENTIALS.encode({ ...owner, accessKeyId: 'AKIA', secretAccessKey: 'secret' }),
  SIGNING_KEYS.encode({ kid: ID, privateKey: pair.privateKey, createdAtMs: 1, signsFromMs: 1 }),
]
const CODECS: readonly RowCodec<unknown>[] = [
  ...[accountCodec, instanceCodec, removedInstanceCodec, userCodec, apiKeyCodec, policyCodec, customRoleCodec],
  ...[resourceKeyCodec, awsUserCodec, awsGroupCodec, awsRoleCodec, oidcProviderCodec, customerPolicyCodec],
  ...[CREDENTIALS, SIGNING_KEYS],
].map(({ encode, decode }) => ({ encode: (row) => encode(row as never), decode }))
const IAM_NAMES = namesIn([...IAM_ROWS, ...SEALED_ROWS])
const SPACE = 64
const ROW = Buffer.from('row')

/** Rows of identities, once their seal is open: one that does not decode is damage of its own, and nobody else's. */
export const iamRowsTarget: FuzzTarget = {
  name: 'iam-rows',
  seeds: [...IAM_ROWS, ...SEALED_ROWS].map((row) => text({ version: 1, row })),
  inputs: anyUnder(IAM_NAMES).map((row) => text({ version: 1, row })),
  words: IAM_NAMES.map((name) => `"${name}":`),
  mayThrow: never,
  run: async (input) => {
    const store = memoryStore()
    await store.commit([{ type: 'put', space: SPACE, key: ROW, value: input }])
    for (const codec of CODECS) {
      const damaged: string[] = []
      const table = await openTable({ store, onDamage: ({ id }) => damaged.push(id) }, SPACE, codec)
      const row = table.get('row')
      assert.deepEqual([row !== undefined, table.isDamaged('row')], [damaged.length === 0, damaged.length > 0])
      if (row === undefined) continue
      const { write } = table.put('row', row)
      const again = memoryStore()
      await again.commit([write])
      const reread = await openTable(
        { store: again, onDamage: () => assert.fail('what it wrote it cannot read') },
        SPACE,
        codec,
      )
      if (codec !== CODECS.at(-1)) assert.deepEqual(reread.get('row'), row)
    }
    unpolluted()
  },
}
