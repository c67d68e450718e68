import { rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { S3 } from '@aws-sdk/client-s3'
import type { Call } from '../../call.ts'
import { confirmed } from '../../confirm.ts'
import { usage } from '../../failure.ts'
import { type FailedItems, failedItems } from '../../item-failure.ts'
import { copyObject } from '../../s3/copy.ts'
import { download } from '../../s3/download.ts'
import { inside } from '../../s3/inside.ts'
import { objects } from '../../s3/listing.ts'
import { mediaTypeOf } from '../../s3/media-types.ts'
import { isRemote, type ObjectReference, readReference } from '../../s3/references.ts'
import { removeVersions } from '../../s3/remove.ts'
import { openPieces, upload } from '../../s3/upload.ts'
import { inParallel } from '../../s3/workers.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText, sizeText } from '../../units.ts'
import { filesUnder } from './put.ts'

export const syncObjects: CommandSpec = {
  name: 'sync',
  summary: 'Makes one side like the other: a directory, or s3://bucket/prefix.',
  about:
    'What has another size, or is newer at the source, is transferred. With --delete, what the source has not is removed from the destination.',
  arguments: [
    { name: 'source', help: 'directory or s3://bucket/prefix', kind: 'file' },
    { name: 'destination', help: 'directory or s3://bucket/prefix', kind: 'file' },
  ],
  options: {
    delete: { help: 'removes what the source has not' },
    'size-only': { help: 'looks at sizes, not at times' },
    parallel: { value: 'n', help: 'transfers at once; 4 by default' },
  },
  destructive: true,
  again: 'what is there is passed over',
  examples: [
    'coffer object sync photos s3://invoices/photos',
    'coffer object sync s3://invoices/photos mirror --delete --dry-run',
  ],
  see: ['coffer object put', 'coffer import'],
  run: async (call) => {
    const [source, destination] = [call.argument('source'), call.argument('destination')]
    call.doing(`bring ${destination} in line with ${source}`)
    if (!isRemote(source) && !isRemote(destination)) throw usage('one side is s3://bucket/prefix')
    const remote = [source, destination].find(isRemote)
    if (remote !== undefined) call.about(readReference(remote).bucket)
    const server = await call.server()
    const s3 = await server.s3()
    const [from, to] = [sideOf(s3, source, call), sideOf(s3, destination, call)]
    // What is not there has nothing, which --delete would make of the other side.
    if (from.place.type === 'local') await stat(from.place.root)
    const [there, here] = await Promise.all([from.list(), to.list()])
    const plan = planned(there, here, call.flag('size-only'))
    const removed = call.flag('delete') ? [...here.keys()].filter((name) => !there.has(name)) : []
    const bytes = plan.reduce((sum, name) => sum + (there.get(name)?.size ?? 0), 0)
    const lines = [
      `${countText(plan.length, 'file')}, ${sizeText(bytes)}, to transfer; ${countText(removed.length, 'file')} to remove.`,
      ...plan.slice(0, 20).map((name) => `  + ${name}`),
      ...removed.slice(0, 20).map((name) => `  - ${name}`),
    ]
    const document = { transfer: plan, bytes, remove: removed }
    // To transfer replaces, as every copy does; it is the removal that one is asked about.
    const asks = call.flag('dry-run') || removed.length > 0
    if (asks && !(await confirmed(call, { name: destination, lines, document }))) return 'done'
    const failed = await transfer(call, s3, { from, to, names: plan, bytes, endpoint: server.s3Url })
    const kept = removed.length > 0 ? '; nothing was removed' : ''
    failed.check(plan.length - failed.count(), `${countText(failed.count(), 'file')} could not be transferred${kept}`)
    await to.remove(removed)
    for (const name of removed) call.out.item({ removed: name }, () => `- ${name}`, name)
    call.out.result(
      { transferred: plan.length, bytes, removed: removed.length },
      () =>
        `✓ ${countText(plan.length, 'file')} transferred, ${sizeText(bytes)}; ${countText(removed.length, 'file')} removed`,
    )
    return 'done'
  },
}

interface Found {
  readonly size: number
  readonly modifiedMs: number
}

interface Side {
  readonly place:
    | { readonly type: 'remote'; readonly at: ObjectReference }
    | { readonly type: 'local'; readonly root: string }
  readonly list: () => Promise<ReadonlyMap<string, Found>>
  readonly remove: (names: readonly string[]) => Promise<void>
}

const planned = (
  from: ReadonlyMap<string, Found>,
  to: ReadonlyMap<string, Found>,
  sizeOnly: boolean,
): readonly string[] =>
  [...from].flatMap(([name, { size, modifiedMs }]) => {
    const there = to.get(name)
    const isSame = there !== undefined && there.size === size && (sizeOnly || there.modifiedMs >= modifiedMs)
    return isSame ? [] : [name]
  })

function sideOf(s3: S3, text: string, call: Call): Side {
  return isRemote(text) ? remoteSide(s3, readReference(text), call) : localSide(resolve(text), call)
}

function remoteSide(s3: S3, reference: ObjectReference, { signal }: Call): Side {
  const { bucket, key } = reference
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`
  return {
    place: { type: 'remote', at: { bucket, key: prefix } },
    list: async () => {
      const found = new Map<string, Found>()
      for await (const one of objects(s3, { bucket, prefix, signal })) {
        if (!one.key.endsWith('/'))
          found.set(one.key.slice(prefix.length), { size: one.size, modifiedMs: one.modified?.getTime() ?? 0 })
      }
      return found
    },
    remove: async (names) => {
      const keys = (async function* () {
        for (const name of names) yield { key: `${prefix}${name}` }
      })()
      await removeVersions(s3, bucket, keys)
    },
  }
}

function localSide(root: string, { out }: Pick<Call, 'out'>): Side {
  return {
    place: { type: 'local', root },
    list: async () => {
      const isThere = await stat(root).then(
        () => true,
        () => false,
      )
      if (!isThere) return new Map()
      const files = await filesUnder(root, out)
      return new Map(
        await Promise.all(
          files.map(
            async ({ key, path, size }) => [key, { size, modifiedMs: Math.floor((await stat(path)).mtimeMs) }] as const,
          ),
        ),
      )
    },
    remove: async (names) => {
      for (const name of names) await rm(await inside(root, name), { force: true })
    },
  }
}

interface Transfer {
  readonly from: Side
  readonly to: Side
  readonly names: readonly string[]
  readonly bytes: number
  readonly endpoint: string
}

/** Those that failed. */
async function transfer(call: Call, s3: S3, { from, to, names, bytes, endpoint }: Transfer): Promise<FailedItems> {
  const progress = call.progress()
  progress.total(bytes, names.length)
  const failed = failedItems(call, endpoint)
  await inParallel(names, Math.max(1, call.count('parallel') ?? 4), async (name) => {
    progress.begin(name, undefined)
    try {
      await one(s3, from.place, to.place, name, { signal: call.signal, onBytes: progress.add })
      progress.itemDone()
      progress.clear()
      call.out.item({ transferred: name }, () => `+ ${name}`, name)
    } catch (error) {
      if (call.signal.aborted) throw error
      progress.clear()
      failed.add(name, error)
    }
  })
  return failed
}

interface Options {
  readonly signal: AbortSignal
  readonly onBytes: (bytes: number) => void
}

async function one(s3: S3, from: Side['place'], to: Side['place'], name: string, options: Options): Promise<void> {
  if (from.type === 'remote' && to.type === 'remote') {
    const { size } = await copyObject(
      s3,
      { ...from.at, key: `${from.at.key}${name}` },
      { ...to.at, key: `${to.at.key}${name}` },
      options.signal,
    )
    options.onBytes(size)
  } else if (from.type === 'remote' && to.type === 'local') {
    await download(s3, {
      bucket: from.at.bucket,
      key: `${from.at.key}${name}`,
      path: await inside(to.root, name),
      atOnce: 1,
      ...options,
    })
  } else if (from.type === 'local' && to.type === 'remote') {
    const pieces = await openPieces(await inside(from.root, name))
    const type = mediaTypeOf(name)
    try {
      await upload(s3, {
        ...{ bucket: to.at.bucket, key: `${to.at.key}${name}`, size: pieces.size, read: pieces.read },
        ...{ settings: type === undefined ? {} : { ContentType: type }, ...options },
      })
    } finally {
      await pieces.close()
    }
  }
}
