import { createHash } from 'node:crypto'
import { CodedError } from '../../../src/base/errors.ts'
import { appendedEtag } from '../../../src/objects/appended-summary.ts'
import type { BodyInput } from '../../../src/objects/body-writer.ts'
import type { NewBucket } from '../../../src/objects/bucket-lifecycle.ts'
import type { Bucket } from '../../../src/objects/buckets.ts'
import type { WriteConditions } from '../../../src/objects/conditions.ts'
import type { Encrypting } from '../../../src/objects/encrypting.ts'
import { ObjectsError } from '../../../src/objects/errors.ts'
import { isOpen } from '../../../src/objects/key-slots.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import type { OpenObject } from '../../../src/objects/open-object.ts'
import { contentBytes } from '../../support/content.ts'
import { miscounts } from './audit.ts'
import {
  aborts,
  completes,
  etagOf,
  type KeyState,
  type Ledger,
  observes,
  observesVersion,
  observesVersions,
  removesVersion,
  setsMode,
  VERSIONED,
  writes,
} from './ledger.ts'
import { codeOf, type Process } from './process.ts'
import type { Life } from './schedule.ts'
import type { World } from './stores.ts'

export const BUCKETS = ['alpha', 'beta', VERSIONED]
/** As the story begins. */
export const firstVersioning = (bucket: string): Pick<NewBucket, 'versioning'> =>
  bucket === VERSIONED ? { versioning: 'Enabled' } : {}
export const KEYS = ['k', 'd/k']
const place = (bucket: string, key: string): string => `${bucket}/${key}`

/** Answers that say for sure that nothing was done. */
const REFUSALS = [
  'NoSuchBucket',
  'NoSuchKey',
  'NoSuchUpload',
  'NoSuchVersion',
  'DeleteMarker',
  'BucketAlreadyExists',
  'BucketAlreadyOwnedByYou',
  'BucketNotEmpty',
  'BucketBusy',
  'ConditionalRequestConflict',
  'NoSuchRewrap',
  'BucketMoving',
  'PreconditionFailed',
  'InvalidPart',
  'EntityTooSmall',
  'BadDigest',
  'StreamAborted',
  'NoSpace',
  'BlobStoreFailed',
  'BlobTorn',
  'RootKeyDisabled',
  'KeyAccessDenied',
  'KeyProviderUnavailable',
  // Of what is in two layers.
  'EncryptionFixed',
  'InvalidWriteOffset',
]

type Outcome<T> = { readonly calledAt: number; readonly endedAt: number } & (
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unsure' }
)

interface SharedUpload {
  readonly bucket: string
  readonly key: string
  readonly id: string
  readonly label: string
  /** Attempts that were acknowledged. */
  readonly parts: { readonly number: number; readonly etag: string; readonly bytes: Buffer }[]
}

export interface Clients {
  /** One client: so many requests, one after the other. */
  readonly client: (requests: number) => Promise<void>
  /** What is there in the end. */
  readonly lookAround: () => Promise<void>
  /** Whatever went wrong before, each bucket takes writes once nothing goes wrong any more. */
  readonly useAll: () => Promise<void>
  /** In the end everything lies where it belongs. */
  readonly rewrapAll: () => Promise<void>
  readonly tearDown: () => Promise<void>
}

export interface RootKeys {
  readonly crns: readonly string[]
  readonly rotate: (crn: string) => Promise<void>
}

export function clients(
  world: World,
  process: Process,
  ledger: Ledger,
  newBucket: Omit<NewBucket, 'name'>,
  rootKeys: RootKeys,
): Clients {
  const { schedule, faults, dice } = world
  const life: Life = { dead: false }
  const uploads: SharedUpload[] = []
  /** Ids of versions that somebody was told, by place. */
  const told = new Map<string, string[]>()
  const tell = (at: string, id: string | undefined): void => {
    if (id !== undefined) told.set(at, [...(told.get(at) ?? []), id])
  }
  let made = 0

  const perform = async <T>(what: string, work: (objects: Objects) => Promise<T>): Promise<Outcome<T>> => {
    const { objects, killed } = await process.running()
    const calledAt = schedule.event()
    const answer = work(objects).then(
      (value) => ({ kind: 'done', value }) as const,
      (error: unknown) => {
        const code = codeOf(error)
        if (code === 'CommitUnknown') return { kind: 'unsure' } as const
        if (!REFUSALS.includes(code)) ledger.wrong(`${what} answered ${code}`)
        return { kind: 'refused', code } as const
      },
    )
    const outcome = await Promise.race([answer, killed.then(() => ({ kind: 'unsure' }) as const)])
    return { ...outcome, calledAt, endedAt: schedule.event() }
  }

  const note = (
    at: string,
    text: string,
    { calledAt, endedAt, kind }: Outcome<unknown>,
    effect: (state: KeyState) => KeyState | undefined,
  ): void => {
    const span = `[${calledAt}, ${endedAt}] ${text}${kind === 'unsure' ? ' (unsure)' : ''}`
    ledger.note(at, { text: span, calledAt, endedAt, effect, unsure: kind === 'unsure' })
  }

  const newContent = () => {
    const label = `content ${made++}`
    const lengthBytes = dice.below(12) === 0 ? 70_000 + dice.below(70_000) : 40 + dice.below(1500)
    const content = { label, bytes: Buffer.concat([Buffer.from(label), contentBytes(label, lengthBytes)]) }
    ledger.expect(etagOf(content.bytes), content.bytes, [label])
    return content
  }

  const bodyOf = (bytes: Buffer): BodyInput => {
    const pieces = 1 + dice.below(3)
    const size = Math.ceil(bytes.length / pieces)
    const stream = async function* () {
      for (let at = 0; at < bytes.length; at += size) {
        await schedule.step(life, 'client')
        if (faults.happens('bodyAborted')) throw new CodedError('StreamAborted', 'the client went away')
        yield bytes.subarray(at, at + size)
      }
    }
    const sums = faults.happens('bodyAborted') ? { contentMd5: Buffer.alloc(16) } : {}
    return { stream: stream(), lengthBytes: dice.below(3) === 0 ? undefined : bytes.length, ...sums }
  }

  /** Large attributes make a manifest that is a blob of its own. */
  const attributesOf = (label: string) => ({
    headers: {},
    userMetadata: { label, ...(dice.below(5) === 0 ? { much: 'x'.repeat(20_000) } : {}) },
  })

  /** As the bucket has it, or the one or the other. */
  const rollBucketKey = () => dice.pick([{}, {}, { bucketKey: true }, { bucketKey: false }])

  /** Under the bucket's key or another one, in one layer or two, with a context or without. */
  const rollEncrypting = (): { readonly encrypting: Encrypting } => {
    const rootKeyCrn = dice.pick(rootKeys.crns)
    return {
      encrypting: {
        ...rollBucketKey(),
        ...dice.pick([{}, {}, {}, { rootKey: { rootKeyCrn, encryption: 'customer-managed' } as const }]),
        ...dice.pick([{}, {}, { twice: true }]),
        ...dice.pick([{}, {}, { context: { made: `${made}` } }]),
      },
    }
  }

  const rollConditions = (): { readonly conditions: WriteConditions; readonly holds: (state: KeyState) => boolean } => {
    const roll = dice.below(6)
    if (roll === 0) return { conditions: { ifNoneMatch: '*' }, holds: ({ etag }) => etag === undefined }
    const known = [...ledger.contents.keys()]
    if (roll > 1 || known.length === 0) return { conditions: {}, holds: () => true }
    const wanted = dice.pick(known.slice(-6))
    return { conditions: { ifMatch: wanted }, holds: ({ etag }) => etag === wanted }
  }

  /** What a refusal of a conditional write says about the key. */
  const noteRefusal = (
    at: string,
    text: string,
    outcome: Outcome<unknown>,
    conditions: WriteConditions,
    holds: (state: KeyState) => boolean,
  ): void => {
    if (outcome.kind !== 'refused') return
    const { code } = outcome
    if (code === 'PreconditionFailed') {
      note(at, `${text}: condition failed`, outcome, (state) => (holds(state) ? undefined : state))
    }
    if (code === 'NoSuchKey' && conditions.ifMatch !== undefined)
      note(at, `${text}: no key`, outcome, observes(undefined))
    if (code === 'NoSuchBucket') note(at, `${text}: no bucket`, outcome, observes(undefined))
  }

  const put = async (bucket: string, key: string): Promise<void> => {
    const content = newContent()
    const etag = etagOf(content.bytes)
    const { conditions, holds } = rollConditions()
    const under = rollEncrypting()
    const outcome = await perform('put', async (objects) => {
      const input = { bucket: objects.buckets.get(bucket), key, body: bodyOf(content.bytes), conditions }
      return objects.put({ ...input, ...under, attributes: attributesOf(content.label) })
    })
    const at = place(bucket, key)
    const text = `put ${content.label}${conditions.ifMatch ? ` if ${conditions.ifMatch}` : (conditions.ifNoneMatch ?? '')}`
    if (outcome.kind === 'done' && outcome.value.etag !== etag) ledger.wrong(`${text} answered another ETag`)
    const id = outcome.kind === 'done' ? outcome.value.versionId : undefined
    tell(at, id)
    if (outcome.kind !== 'refused') note(at, text, outcome, writes(etag, holds, id))
    noteRefusal(at, text, outcome, conditions, holds)
  }

  const check = async (object: OpenObject): Promise<string> => {
    const { etag, sizeBytes, userMetadata } = object.manifest
    const content = ledger.contents.get(etag)
    if (!content) throw new Error(`an ETag that nobody wrote: ${etag}`)
    if (!content.labels.includes(userMetadata['label'] ?? '') || sizeBytes !== content.bytes.length) {
      ledger.wrong(`the manifest of ${content.labels[0]} is another's`)
    }
    const start = dice.below(3) === 0 ? dice.below(sizeBytes) : 0
    const end = dice.below(3) === 0 ? start + dice.below(sizeBytes - start + 1) : sizeBytes
    if (start === end) return etag
    const chunks: Buffer[] = []
    for await (const chunk of object.read({ start, end })) {
      chunks.push(Buffer.from(chunk))
      await schedule.step(life, 'client')
    }
    if (!Buffer.concat(chunks).equals(content.bytes.subarray(start, end))) {
      ledger.wrong(`${content.labels[0]} read other bytes than were written`)
    }
    return etag
  }

  const get = async (bucket: string, key: string): Promise<void> => {
    const onlyHead = dice.below(3) === 0
    let opened: Outcome<string> | undefined
    const outcome = await perform('get', async (objects) => {
      const calledAt = schedule.event()
      using object = await objects.open({ bucket: objects.buckets.get(bucket), key })
      opened = { kind: 'done', value: object.manifest.etag, calledAt, endedAt: schedule.event() }
      if (onlyHead) return object.manifest.etag
      await schedule.step(life, 'client')
      return await check(object)
    })
    // What was opened was current at that time, whatever became of the reading.
    if (opened?.kind === 'done') note(place(bucket, key), `get ${opened.value}`, opened, observes(opened.value))
    else if (outcome.kind === 'refused' && ['NoSuchKey', 'NoSuchBucket'].includes(outcome.code)) {
      note(place(bucket, key), `get nothing`, outcome, observes(undefined))
    }
  }

  const remove = async (bucket: string, key: string): Promise<void> => {
    const outcome = await perform('delete', async (objects) =>
      objects.delete({ bucket: objects.buckets.get(bucket), key, conditions: {} }),
    )
    const at = place(bucket, key)
    const id = outcome.kind === 'done' ? outcome.value.versionId : undefined
    tell(at, id)
    if (outcome.kind !== 'refused') note(at, 'delete', outcome, writes(undefined, undefined, id))
    noteRefusal(at, 'delete', outcome, {}, () => true)
  }

  const list = async (bucket: string): Promise<void> => {
    const outcome = await perform('list', async (objects) =>
      objects.list({ bucket: objects.buckets.get(bucket), prefix: '', delimiter: '', after: '', limit: 1000 }),
    )
    if (outcome.kind !== 'done') return
    for (const key of KEYS) {
      const item = outcome.value.items.find((each) => each.key === key)
      if (item && !item.summary) continue
      const etag = item?.summary?.etag
      if (item && etag !== undefined && ledger.contents.get(etag)?.bytes.length !== item.sizeBytes) {
        ledger.wrong('a listing shows another size than was written')
      }
      note(place(bucket, key), `list ${etag}`, outcome, observes(etag))
    }
  }

  const copy = async (bucket: string, key: string): Promise<void> => {
    const from = { bucket: dice.pick(BUCKETS), key: dice.pick(KEYS) }
    let source: { readonly etag: string; readonly outcome: Outcome<string> } | undefined
    const outcome = await perform('copy', async (objects) => {
      const calledAt = schedule.event()
      using object = await objects.open({ bucket: objects.buckets.get(from.bucket), key: from.key })
      const { etag, sizeBytes, userMetadata, headers } = object.manifest
      source = { etag, outcome: { kind: 'done', value: etag, calledAt, endedAt: schedule.event() } }
      // The copy of an object in parts has the ETag of its bytes.
      const content = ledger.contents.get(etag)
      if (content) ledger.expect(etagOf(content.bytes), content.bytes, content.labels)
      return await objects.put({
        bucket: objects.buckets.get(bucket),
        key,
        body: { stream: object.read({ start: 0, end: sizeBytes }), lengthBytes: sizeBytes },
        attributes: { headers, userMetadata },
        conditions: {},
      })
    })
    if (!source) return
    note(place(from.bucket, from.key), `copy of ${source.etag}`, source.outcome, observes(source.etag))
    const content = ledger.contents.get(source.etag)
    if (!content) return ledger.wrong('a copy of what nobody wrote')
    const etag = etagOf(content.bytes)
    const id = outcome.kind === 'done' ? outcome.value.versionId : undefined
    tell(place(bucket, key), id)
    if (outcome.kind !== 'refused') note(place(bucket, key), `copy ${etag}`, outcome, writes(etag, undefined, id))
  }

  const rename = async (bucket: string, to: string): Promise<void> => {
    const from = dice.pick(KEYS.filter((key) => key !== to))
    let etag: string | undefined
    const { conditions, holds } = rollConditions()
    const outcome = await perform('rename', async (objects) =>
      objects.rename({
        ...{ bucket: objects.buckets.get(bucket), from, to, conditions },
        check: async (found) => {
          etag = found.etag
          await schedule.step(life, 'client')
        },
      }),
    )
    const source = etag
    if (outcome.kind !== 'refused' && source !== undefined) {
      note(
        place(bucket, from),
        `renamed ${source}`,
        outcome,
        writes(undefined, (state) => state.etag === source),
      )
      note(place(bucket, to), `rename ${source}`, outcome, writes(source, holds))
    }
    if (outcome.kind !== 'refused') return
    const gone = outcome.code === 'NoSuchBucket' || (outcome.code === 'NoSuchKey' && source === undefined)
    if (gone) note(place(bucket, from), 'rename of nothing', outcome, observes(undefined))
    if (source !== undefined) noteRefusal(place(bucket, to), `rename ${source}`, outcome, conditions, holds)
  }

  /** What the object has by then, whichever of those of this size it is. */
  const append = async (bucket: string, key: string): Promise<void> => {
    const { bytes } = newContent()
    let offsetBytes = 0
    const outcome = await perform('append', async (objects) => {
      const known = await objects.known({ bucket: objects.buckets.get(bucket), key })
      if (!known) throw new ObjectsError('NoSuchKey', 'nothing to append to')
      offsetBytes = known.sizeBytes
      for (const [etag, content] of [...ledger.contents]) {
        if (content.bytes.length !== offsetBytes) continue
        ledger.expect(afterAppend(etag, bytes), Buffer.concat([content.bytes, bytes]), content.labels)
      }
      const input = { bucket: objects.buckets.get(bucket), key, offsetBytes, body: bodyOf(bytes), conditions: {} }
      return await objects.append({ ...input, attributes: NOTHING })
    })
    if (outcome.kind === 'refused' || offsetBytes === 0) return
    const isAsked = ({ etag }: KeyState) =>
      etag !== undefined && ledger.contents.get(etag)?.bytes.length === offsetBytes
    note(place(bucket, key), `append ${etagOf(bytes)}`, outcome, (state) =>
      isAsked(state) ? writes(afterAppend(state.etag ?? '', bytes))(state) : undefined,
    )
    if (outcome.kind === 'done' && !ledger.contents.has(outcome.value.etag))
      ledger.wrong('an append answered an ETag that follows from none')
  }

  /** One that somebody was told of, be it there or not. */
  const someVersion = (key: string): string => {
    const ids = told.get(place(VERSIONED, key)) ?? []
    return ids.length === 0 || dice.below(6) === 0 ? 'null' : dice.pick(ids.slice(-4))
  }

  const removeVersion = async (key: string): Promise<void> => {
    const versionId = someVersion(key)
    const outcome = await perform('delete version', async (objects) =>
      objects.delete({ bucket: objects.buckets.get(VERSIONED), key, versionId, conditions: {} }),
    )
    const wasMarker = outcome.kind === 'done' ? outcome.value.deleteMarker : undefined
    const text = `delete ${versionId}: ${wasMarker}`
    if (outcome.kind !== 'refused') note(place(VERSIONED, key), text, outcome, removesVersion(versionId, wasMarker))
  }

  const getVersion = async (key: string): Promise<void> => {
    const versionId = someVersion(key)
    let opened: Outcome<string> | undefined
    const outcome = await perform('get version', async (objects) => {
      const calledAt = schedule.event()
      using object = await objects.open({ bucket: objects.buckets.get(VERSIONED), key, versionId })
      opened = { kind: 'done', value: object.manifest.etag, calledAt, endedAt: schedule.event() }
      return await check(object)
    })
    const at = place(VERSIONED, key)
    if (opened?.kind === 'done') note(at, `get ${versionId}`, opened, observesVersion(versionId, opened.value))
    else if (outcome.kind === 'refused' && ['NoSuchVersion', 'DeleteMarker'].includes(outcome.code)) {
      note(at, `get ${versionId}: ${outcome.code}`, outcome, observesVersion(versionId, undefined))
    }
  }

  const listVersions = async (): Promise<void> => {
    const outcome = await perform('list versions', async (objects) => {
      const page = { prefix: '', delimiter: '', keyMarker: '', versionIdMarker: '', limit: 1000 }
      return objects.listVersions({ bucket: objects.buckets.get(VERSIONED), ...page })
    })
    if (outcome.kind !== 'done') return
    for (const key of KEYS) {
      const items = outcome.value.items.filter((item) => item.key === key)
      if (items.some((item) => !item.deleteMarker && !item.summary)) continue
      if (items.some((item, at) => item.isLatest !== (at === 0)))
        ledger.wrong('a listing of versions has another latest')
      const seen = items.map(({ versionId, summary }) => ({ id: versionId, etag: summary?.etag }))
      note(place(VERSIONED, key), `list ${seen.map(({ id }) => id).join()}`, outcome, observesVersions(seen))
    }
  }

  const setVersioning = async (): Promise<void> => {
    const mode = dice.pick(['Enabled', 'Enabled', 'Suspended'] as const)
    const outcome = await perform('set versioning', async (objects) =>
      objects.setVersioning(objects.buckets.get(VERSIONED), mode),
    )
    if (outcome.kind === 'refused') return
    for (const key of KEYS) note(place(VERSIONED, key), `set ${mode}`, outcome, setsMode(mode))
  }

  const startUpload = async (bucket: string, key: string): Promise<void> => {
    const label = `upload ${made++}`
    const under = rollEncrypting()
    const outcome = await perform('create upload', async (objects) =>
      objects.createUpload({
        bucket: objects.buckets.get(bucket),
        key,
        attributes: { headers: {}, userMetadata: { label } },
        ...under,
      }),
    )
    if (outcome.kind === 'done') uploads.push({ bucket, key, id: outcome.value.uploadId, label, parts: [] })
  }

  const sendPart = async (upload: SharedUpload): Promise<void> => {
    const number = 1 + dice.below(2)
    const { bytes } = newContent()
    const outcome = await perform('upload part', async (objects) => {
      const bucket = objects.buckets.get(upload.bucket)
      const found = await objects.findUpload({ bucket, key: upload.key, uploadId: upload.id })
      return objects.uploadPart(found, number, bodyOf(bytes))
    })
    if (outcome.kind === 'done') upload.parts.push({ number, etag: outcome.value.etag, bytes })
  }

  const complete = async (upload: SharedUpload): Promise<void> => {
    const chosen = [1, 2].flatMap((number) => {
      const attempts = upload.parts.filter((part) => part.number === number)
      return attempts.length === 0 || dice.below(6) === 0
        ? []
        : [attempts[attempts.length - 1 - dice.below(Math.min(attempts.length, 2))]]
    })
    const parts = chosen.filter((part) => part !== undefined)
    if (parts.length === 0) return
    const digests = createHash('md5').update(Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, 'hex'))))
    const etag = `${digests.digest('hex')}-${parts.length}`
    ledger.expect(etag, Buffer.concat(parts.map(({ bytes }) => bytes)), [upload.label])
    const { conditions, holds } = rollConditions()
    const outcome = await perform('complete', async (objects) =>
      objects.completeUpload({
        bucket: objects.buckets.get(upload.bucket),
        key: upload.key,
        uploadId: upload.id,
        parts: parts.map((part) => ({ number: part.number, etag: part.etag })),
        conditions,
      }),
    )
    const at = place(upload.bucket, upload.key)
    const text = `complete ${upload.label} as ${outcome.kind === 'done' ? outcome.value.etag : etag}`
    // Completing again is answered with what was completed first, whatever parts are named.
    if (outcome.kind === 'done') {
      tell(at, outcome.value.versionId)
      note(at, text, outcome, completes(upload.id, outcome.value.etag, holds, outcome.value.versionId))
    }
    if (outcome.kind === 'unsure') note(at, text, outcome, completes(upload.id, etag, holds))
    noteRefusal(at, text, outcome, conditions, holds)
    // The collector has parts of the upload to remove meanwhile.
    if (outcome.kind === 'done' && upload.bucket !== VERSIONED && dice.below(4) > 0)
      await append(upload.bucket, upload.key)
  }

  const abort = async (upload: SharedUpload): Promise<void> => {
    const outcome = await perform('abort', async (objects) => {
      const bucket = objects.buckets.get(upload.bucket)
      return objects.abortUpload(await objects.findUpload({ bucket, key: upload.key, uploadId: upload.id }))
    })
    const at = place(upload.bucket, upload.key)
    if (outcome.kind !== 'refused') note(at, `abort ${upload.label}`, outcome, aborts(upload.id))
  }

  const makeBucket = async (name: string): Promise<void> => {
    const under = rollBucketKey()
    await perform('create bucket', async (objects) =>
      objects.createBucket({ ...newBucket, ...firstVersioning(name), name, ...under }),
    )
  }

  const dropBucket = async (name: string): Promise<void> => {
    const outcome = await perform('delete bucket', async (objects) => objects.deleteBucket(objects.buckets.get(name)))
    if (outcome.kind !== 'done') return
    for (const key of KEYS) note(place(name, key), 'delete bucket', outcome, observes(undefined))
  }

  /** Exact, whatever the others do meanwhile. */
  const recount = async (): Promise<void> => {
    const outcome = await perform('recount', async (objects) => objects.recount())
    if (outcome.kind === 'done') for (const text of miscounts(outcome.value)) ledger.wrong(text)
  }

  const rotate = async (): Promise<void> => {
    const crn = dice.pick(rootKeys.crns)
    await rootKeys.rotate(crn)
    if (dice.below(2) === 0) await perform('rewrap', async (objects) => objects.rewraps.startOfKey(crn))
  }

  const move = async (name: string): Promise<void> => {
    const rootKeyCrn = dice.pick(rootKeys.crns)
    const encryption = dice.pick(['provider-managed', 'customer-managed'] as const)
    const to = { encryption, rootKeyCrn, ...rollBucketKey() }
    await perform('move', async (objects) => objects.moveBucket(objects.buckets.get(name), to))
  }

  const updateEncryption = async (name: string, key: string): Promise<void> => {
    const rootKeyCrn = dice.pick(rootKeys.crns)
    const to = { encryption: 'customer-managed', rootKeyCrn, bucketKey: dice.below(2) === 0 } as const
    const outcome = await perform('update encryption', async (objects) =>
      objects.updateEncryption({ bucket: objects.buckets.get(name), key, ...to }),
    )
    const gone = outcome.kind === 'refused' && ['NoSuchKey', 'NoSuchBucket'].includes(outcome.code)
    if (gone) note(place(name, key), 'update encryption of nothing', outcome, observes(undefined))
  }

  const pause = async (name: string): Promise<void> => {
    const act = dice.pick(['pause', 'resume', 'start'] as const)
    await perform(act, async (objects) => objects.rewraps[act](objects.buckets.get(name)))
  }

  const VERSIONS = [
    removeVersion,
    getVersion,
    removeVersion,
    listVersions,
    removeVersion,
    getVersion,
    () => setVersioning(),
  ]
  /** Most requests of a history meet in one bucket. */
  const favourite = dice.pick(['alpha', VERSIONED])

  const request = async (): Promise<void> => {
    const bucket = dice.below(3) === 0 ? dice.pick(BUCKETS) : favourite
    const key = dice.below(3) === 0 ? 'd/k' : 'k'
    const upload = uploads.length > 0 ? dice.pick(uploads.slice(-2)) : undefined
    const roll = dice.below(122)
    // What is versioned is not dropped: nobody would know of all that it holds.
    const dropped = bucket === VERSIONED ? 'alpha' : bucket
    if (bucket === VERSIONED && dice.below(5) < 2) return await dice.pick(VERSIONS)(key)
    if (roll < 20) await put(bucket, key)
    else if (roll < 40) await get(bucket, key)
    else if (roll < 49) await remove(bucket, key)
    else if (roll < 53) await list(bucket)
    else if (roll < 58) await copy(bucket, key)
    else if (roll < 63 || !upload) await startUpload(bucket, key)
    else if (roll < 79) await sendPart(upload)
    else if (roll < 91) await complete(upload)
    else if (roll < 93) await abort(upload)
    else if (roll < 94) await recount()
    else if (roll < 97) await makeBucket(dropped)
    else if (roll < 100) await dropBucket(dropped)
    else if (roll < 103) await rotate()
    else if (roll < 106) await move(bucket)
    else if (roll < 110) await updateEncryption(bucket, key)
    else if (roll < 112 || bucket === VERSIONED) await pause(bucket)
    else if (roll < 118) await rename(bucket, key)
    else await append(bucket, key)
  }

  return {
    client: async (requests) => {
      for (let count = 0; count < requests; count++) {
        await schedule.step(life, 'client')
        await request()
      }
    },
    lookAround: async () => {
      for (const bucket of BUCKETS) {
        for (const key of KEYS) await get(bucket, key)
        await list(bucket)
      }
      await listVersions()
    },
    useAll: async () => {
      const { objects } = await process.running()
      for (const name of BUCKETS) {
        const key = 'still usable'
        try {
          const bucket =
            objects.buckets.find(name) ?? (await objects.createBucket({ ...newBucket, ...firstVersioning(name), name }))
          await objects.put({ bucket, key, body: bodyOf(Buffer.from(key)), attributes: NOTHING, conditions: {} })
          await objects.delete({ bucket, key, conditions: {} })
        } catch (error) {
          ledger.wrong(`${name} is of no use without a restart: ${codeOf(error)}`)
        }
      }
    },
    rewrapAll: async () => {
      const { objects } = await process.running()
      for (const bucket of objects.buckets.all()) await objects.rewraps.start(bucket)
      await objects.rewraps.idle()
      for (const { bucket, state, problem } of objects.rewraps.jobs()) {
        if (state !== 'done') ledger.wrong(`rewrapping ${bucket} ended ${state}: ${problem}`)
      }
      for (const { name, slots } of objects.buckets.all()) {
        if (!slots.every(isOpen)) ledger.wrong(`${name} has key slots that it left`)
      }
      for (const crn of rootKeys.crns) {
        const { versions } = await objects.keyUsage(crn)
        if (versions.length > 1) ledger.wrong(`something is left under ${versions.length} versions of a root key`)
      }
    },
    tearDown: async () => {
      const { objects } = await process.running()
      for (const bucket of objects.buckets.all()) await empty(objects, bucket)
    },
  }
}

/** Of what has this ETag, with these bytes behind. */
function afterAppend(etag: string, bytes: Buffer): string {
  const [, parts = '1'] = etag.split('-')
  return appendedEtag(etag, etagOf(bytes), Number(parts) + 1)
}

const NOTHING = { headers: {}, userMetadata: {} }

async function empty(objects: Objects, bucket: Bucket): Promise<void> {
  for (const key of KEYS) await objects.delete({ bucket, key, conditions: {} })
  const all = { prefix: '', delimiter: '', keyMarker: '', versionIdMarker: '', limit: 100_000 }
  const { items } = await objects.listVersions({ bucket, ...all })
  for (const { key, versionId } of items) await objects.delete({ bucket, key, versionId, conditions: {} })
  await objects.deleteBucket(bucket)
  await objects.garbage.settled()
}
