import type { Call } from '../call.ts'
import type { OptionSpec } from '../described.ts'
import { usage } from '../failure.ts'
import { findKey } from '../key-protect.ts'
import { mediaTypeOf } from './media-types.ts'
import type { Upload } from './upload.ts'

/** What an object that is stored can be told. */
export const SEND_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  'content-type': { value: 'type', help: 'by the name of the file otherwise' },
  metadata: { value: 'name=value', help: 'kept with it', many: true },
  tag: { value: 'name=value', help: 'a tag', many: true },
  'storage-class': { value: 'class', help: 'of those that the server has' },
  key: { value: 'key', help: 'under this root key rather than that of the bucket', kind: 'key' },
}

/** Throws Usage. */
export function pairsOf(option: string, texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw usage(`--${option} takes name=value, and not ${text}`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

export async function sentOptions(call: Call, path: string): Promise<NonNullable<Upload['settings']>> {
  const [storageClass, named] = [call.text('storage-class'), call.text('key')]
  const tags = new URLSearchParams(pairsOf('tag', call.texts('tag'))).toString()
  const metadata = pairsOf('metadata', call.texts('metadata'))
  for (const [name, value] of Object.entries(metadata)) {
    // What goes in a header: other letters come out as others, or are refused as a wrong signature.
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || !/^[\x20-\x7e]*$/.test(value))
      throw usage(`--metadata takes letters of ASCII alone, and not ${name}=${value}`)
  }
  const key = named === undefined ? undefined : await findKey(await call.server(), named)
  const type = call.text('content-type') ?? mediaTypeOf(path)
  if (storageClass !== undefined && !isClass(storageClass))
    throw usage(`${storageClass} is no storage class: ones like STANDARD_IA`)
  return {
    ...(type === undefined ? {} : { ContentType: type }),
    ...(Object.keys(metadata).length > 0 ? { Metadata: metadata } : {}),
    ...(tags === '' ? {} : { Tagging: tags }),
    ...(storageClass === undefined ? {} : { StorageClass: storageClass }),
    ...(key ? { ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: key.crn } : {}),
    ...(call.flag('if-new') ? { IfNoneMatch: '*' } : {}),
  }
}

type StorageClassName = NonNullable<NonNullable<Upload['settings']>['StorageClass']>

/** A server names its own: which there are is for it to say. */
const isClass = (text: string): text is StorageClassName => /^[A-Z][A-Z0-9_]*$/.test(text)
