import type { Values } from './arguments.ts'
import { openSummary } from './content.ts'
import { isDecryptError } from './errors.ts'
import type { ObjectRow } from './objects.ts'
import { nameOf, objectsIn, withDirectory } from './scope.ts'
import { EXIT, type Streams, told } from './status.ts'

/** Names, sizes, dates and, where the bucket metadata key can be opened, ETags. */
export const list = (args: readonly string[], values: Values, streams: Streams): Promise<number> =>
  withDirectory(args, values, streams, (directory, name) => {
    let status: number = EXIT.done
    const say = (fields: Readonly<Record<string, unknown>>, text: string): void => {
      streams.out.write(`${values.json ? JSON.stringify(fields) : text}\n`)
    }
    for (const one of objectsIn(directory, name, values.versions ?? false)) {
      const { bucket, key } = one
      if ('error' in one) {
        streams.err.write(`✕ ${nameOf(one)}: ${told(one.error)}\n`)
        status = EXIT.failed
        continue
      }
      const { versionId, modifiedAtMs } = one
      const date = new Date(modifiedAtMs).toISOString()
      const named = { bucket: bucket.name, key, versionId, modified: date }
      if ('isDeleteMarker' in one) {
        say({ ...named, deleteMarker: true }, `${date}  delete marker  ${nameOf(one)}  ${versionId}`)
        continue
      }
      const etag = etagOf(one)
      const { sizeBytes, isCurrent } = one
      const fields = { ...named, sizeBytes, current: isCurrent, ...(etag === undefined ? {} : { etag }) }
      say(
        fields,
        `${date}  ${String(sizeBytes).padStart(12)}  ${(etag ?? '-').padEnd(32)}  ${nameOf(one)}  ${versionId}`,
      )
    }
    return status
  })

/** Undefined where the key of the bucket's metadata is not to be had. Damage shows when the object is opened. */
function etagOf(object: ObjectRow): string | undefined {
  try {
    return openSummary(object)
  } catch (error) {
    if (isDecryptError(error)) return undefined
    throw error
  }
}
