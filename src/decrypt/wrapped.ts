import type { Values } from './arguments.ts'
import type { Bucket, SlotWrapped } from './buckets.ts'
import { nameOf, objectsIn, withDirectory } from './scope.ts'
import { EXIT, type Streams, told } from './status.ts'

/** What a key service elsewhere is to be asked for, each once: its `unwrap` takes `ciphertext` and, as `aad`, the context. */
export const wrapped = (args: readonly string[], values: Values, streams: Streams): Promise<number> =>
  withDirectory(args, values, streams, (directory, name) => {
    const said = new Set<string>()
    let status: number = EXIT.done
    const say = (bucket: Bucket, one: SlotWrapped): void => {
      const { rootKeyCrn, keyVersion, context, ciphertext } = bucket.underRootKey(one)
      const text = ciphertext.toString('base64')
      if (said.has(text)) return
      said.add(text)
      streams.out.write(`${JSON.stringify({ rootKeyCrn, keyVersion, aad: context, ciphertext: text })}\n`)
    }
    for (const one of objectsIn(directory, name, values.versions ?? false)) {
      if ('error' in one) {
        streams.err.write(`✕ ${nameOf(one)}: ${told(one.error)}\n`)
        status = EXIT.failed
      } else if ('wrapped' in one) {
        say(one.bucket, one.bucket.metadataKey)
        say(one.bucket, one.wrapped)
      }
    }
    return status
  })
