import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { ByteSource } from '../../../src/decrypt/bytes.ts'
import { damaged, isDecryptError } from '../../../src/decrypt/errors.ts'
import { parseJson } from '../../../src/decrypt/json.ts'
import { readManifest } from '../../../src/decrypt/manifest.ts'
import { readRecord, SECTIONS } from '../../../src/decrypt/sealed-record.ts'
import { openSealedReplica } from '../../../src/decrypt/sealed-replica.ts'
import { dekFrom } from '../../../src/envelope/dek.ts'
import { sealManifest } from '../../../src/envelope/manifest.ts'
import { sealPart } from '../../../src/envelope/seal.ts'
import { encode } from '../../../src/objects/record-codec.ts'
import { encodeSealedHeader } from '../../../src/objects/replication/sealed-format.ts'
import { newFindings } from '../../../src/prove/findings.ts'
import { newHits } from '../../../src/prove/hits.ts'
import { KINDS, kindOf } from '../../../src/prove/kinds.ts'
import { checkReport, signReport } from '../../../src/prove/report.ts'
import { searchFor } from '../../../src/prove/search.ts'
import { checkStore } from '../../../src/prove/store-check.ts'
import { newTally } from '../../../src/prove/tally.ts'
import { sha256 } from '../../../src/server/backup/manifest.ts'
import { scratchFile } from '../scratch-file.ts'
import { type FuzzTarget, never } from '../target.ts'

const sourceOf = (bytes: Buffer): ByteSource => ({
  length: bytes.length,
  read: (at, length) => {
    for (const number of [at, length])
      if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`${number}`)
    if (at + length > bytes.length) throw damaged('cut off')
    return Buffer.from(bytes.subarray(at, at + length))
  },
})
const KEY = Buffer.alloc(32, 3)
const dek = () => dekFrom(Buffer.from(KEY))
const blobId = Buffer.alloc(16, 1)
const salt = Buffer.alloc(16, 2)
const BUCKET = '11111111-1111-4111-8111-111111111111'
const PLAIN = Buffer.from('a replica')
const MANIFEST = {
  e: 'etag',
  s: PLAIN.length,
  h: { 'content-type': 'text/plain' },
  u: {},
  p: [[0, PLAIN.length, salt.toString('base64')]],
}

function replica(): Buffer {
  const manifest = sealManifest(dek(), { bucketId: BUCKET, key: 'key', versionId: 'null', blobId }, MANIFEST, salt)
  const part = Buffer.concat(
    sealPart(dek(), { blobId, partNumber: 0, bucketId: BUCKET, key: 'key' }, salt).bytes([PLAIN]),
  )
  const piece = (bytes: Buffer) => ({ lengthBytes: bytes.length, sha256: Buffer.from(sha256(bytes), 'hex') })
  const header = encodeSealedHeader({
    dek: { bucketId: BUCKET, blobId, rootKeyCrn: 'crn:v1:', keyVersion: 'v', ciphertext: Buffer.from('wrapped') },
    ...{ key: 'key', versionId: 'null', sizeBytes: PLAIN.length },
    ...{ manifest: piece(manifest), parts: [{ number: 0, ...piece(part) }] },
  })
  return Buffer.concat([header, manifest, part])
}

/** A sealed replica, as the stand-alone decryptor reads it: its header comes from elsewhere and is not authenticated. */
export const decryptReplicaTarget: FuzzTarget = {
  name: 'decrypt-replica',
  seeds: [replica()],
  words: ['"parts":[', '"manifest":[', '-1', '1.5', '1e300', '"bucketKey":{', '"context":"', '"sizeBytes":'],
  mayThrow: isDecryptError,
  run: (input) => {
    const parts = openSealedReplica(sourceOf(input), { unwrap: () => Buffer.from(KEY) })
    const plain = Buffer.concat(parts.map((part) => part.read(0, part.length)))
    assert.ok(plain.equals(PLAIN), 'forged bytes were opened')
  },
}

const record = encode({ v: 'null', m: 1, s: 3, k: 'v' }, [blobId, Buffer.from('w'), Buffer.from('s'), Buffer.from('m')])

/** Records and manifests, once their seal is open, as the stand-alone decryptor reads them. */
export const decryptRecordsTarget: FuzzTarget = {
  name: 'decrypt-records',
  seeds: [record, Buffer.from(JSON.stringify(MANIFEST))],
  words: ['"p":[[', '"h":{', '__proto__'],
  mayThrow: isDecryptError,
  run: (input) => {
    const readers = [
      ...Object.keys(SECTIONS).map((kind) => () => readRecord(input, kind as keyof typeof SECTIONS, 'it')),
      () => readManifest(parseJson(input, 'it')),
    ]
    const refused = readers.map((read) => {
      try {
        return void read()
      } catch (error) {
        if (!isDecryptError(error)) throw error
        return error
      }
    })
    if (refused.every((error) => error !== undefined)) throw refused[0]
  },
}

const NO_CANARIES = searchFor([])
/** One name of each kind of file. */
const NAMES = [
  ...['coffer.lock', 'coffer.pid', 'instance-key.json', 'metadata.witness', 'iam.witness.new', 'restored.json'],
  ...['storage-classes/GLACIER', 'metadata/000005.ldb', 'kms/000005.log', 'iam/MANIFEST-000004', 'metadata/CURRENT'],
  ...['metadata/LOCK', 'metadata/LOG', 'audit/audit-0000000001.jsonl'],
  ...['blobs/0123456789abcdef/f/00000000/000', 'blobs/0123456789abcdef/p/00000000'],
]
const SEEDS = [
  '',
  '123 2026-11-22T20:15:00.000Z\n',
  `{"v":1,"method":"file","keyId":"${'ab'.repeat(16)}"}\n`,
  `{"v":1,"sequence":7,"mark":"${'ab'.repeat(16)}"}\n`,
  'MANIFEST-000004\n',
  '2026/11/22-20:15:00.000000 7f00 Recovering log #3\n',
  `{"type":"event","hash":"${'a'.repeat(43)}"}\n`,
].map((text) => Buffer.from(text))

/** Files of a data directory, as the prover reads them without keys: whatever they hold, each byte is counted once. */
export const proveFilesTarget: FuzzTarget = {
  name: 'prove-files',
  seeds: [
    ...SEEDS,
    Buffer.concat(sealPart(dek(), { blobId, partNumber: 0, bucketId: 'b', key: 'k' }, salt).bytes([PLAIN])),
  ],
  words: ['{"type":"event"', '"hash":"', 'OEF1', 'SEV1', 'CPK1', '\n'],
  mayThrow: never,
  run: (input) => {
    const [tally, findings, hits] = [newTally(), newFindings(), newHits()]
    const store = (name: 'metadata' | 'iam' | 'kms') => checkStore(name, NO_CANARIES, hits, tally, findings)
    const stores = { metadata: store('metadata'), iam: store('iam'), kms: store('kms') }
    const path = scratchFile(input)
    for (const name of NAMES) {
      const kind = kindOf(name)
      assert.ok(kind !== undefined, `${name} is of no kind`)
      writeFileSync(path, input)
      tally.file(kind.kind, input.length)
      kind.check({ name, path, kind: 'file', size: input.length, mode: 0o600 }, kind.kind, { tally, findings, stores })
    }
    for (const one of Object.values(stores)) one.end()
    assert.equal(new Set(NAMES.map(kindOf)).size, KINDS.length, 'a kind of file is missing here')
    for (const { kind, bytes, sealedBytes, clearBytes, unexplainedBytes } of tally.files())
      assert.equal(sealedBytes + clearBytes + unexplainedBytes, bytes, `the bytes of ${kind} do not add up`)
  },
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const REPORT = { format: 'coffer-prove-1', verdict: 'nothing found', tree: { files: 1, sha256: 'ab' } }

/** Reports: none that was changed is taken for signed. */
export const proveReportTarget: FuzzTarget = {
  name: 'prove-report',
  seeds: [signReport(REPORT, privateKey), signReport(REPORT, undefined)].map((report) =>
    Buffer.from(JSON.stringify(report)),
  ),
  words: ['"signature":{', '"publicKey":"', '"report":{', '[[[[[[[[[[[[', '{"a":'],
  mayThrow: isDecryptError,
  run: (input) => {
    const { report, signature } = checkReport(parseJson(input, 'the report'), publicKey)
    if (signature === 'right') assert.deepEqual(report, REPORT)
  },
}
