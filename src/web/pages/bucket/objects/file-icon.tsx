import { classes } from '../../../parts/class-names.ts'
import { Icon, type IconName } from '../../../parts/icon.tsx'

const KINDS: readonly (readonly [RegExp, IconName, string])[] = [
  [/\/$/, 'folder', 'folder'],
  [/\.(png|jpe?g|gif|webp|tiff?|svg|avif|heic|bmp)$/i, 'image', 'picture'],
  [/\.(zip|gz|tgz|tar|zst|xz|bz2|7z|rar)$/i, 'zip', 'archive'],
]

/** By what its name ends with. */
export function FileIcon({ name }: { readonly name: string }) {
  const [, icon, kind] = KINDS.find(([pattern]) => pattern.test(name)) ?? [undefined, 'document' as const, 'document']
  return (
    <span class={classes('file-icon', kind)}>
      <Icon name={icon} size="small" />
    </span>
  )
}
