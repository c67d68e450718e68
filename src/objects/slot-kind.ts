import type { BucketKeys } from './bucket-keys.ts'
import type { Engine } from './engine.ts'
import type { KeySlot } from './key-slots.ts'

export const prefersBucketKeys = (
  { provider }: Pick<Engine, 'provider'>,
  { rootKeyCrn }: { readonly rootKeyCrn: string },
) => provider.prefersBucketKeys?.(rootKeyCrn) ?? false

/** A root key near the number of data keys that it may safely wrap wraps bucket keys only, whatever was asked for. */
export async function kindFor(
  { provider }: Pick<Engine, 'provider'>,
  keys: BucketKeys,
  bucket: Parameters<BucketKeys['newestVersion']>[0],
  { kind, rootKeyCrn }: Pick<KeySlot, 'kind' | 'rootKeyCrn'>,
): Promise<KeySlot['kind']> {
  if (kind === 'bucket-key' || !provider.wrapsLeft) return kind
  const keyVersion = await keys.newestVersion(bucket, { rootKeyCrn })
  return (await provider.wrapsLeft(rootKeyCrn, keyVersion)) > 0 ? kind : 'bucket-key'
}
