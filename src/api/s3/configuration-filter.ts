import { z } from 'zod'
import { S3Error } from './error-codes.ts'
import { checkTag } from './tags.ts'
import type { XmlElement } from './xml/decode.ts'
import type { XmlContent } from './xml/encode.ts'

/** Which objects an analysis, a metric or a tiering is about: all of it must hold. */
export const configurationFilter = z.strictObject({
  prefix: z.string().exactOptional(),
  tags: z.array(z.strictObject({ key: z.string(), value: z.string() })),
})
export type ConfigurationFilter = z.infer<typeof configurationFilter>
type ReadonlyFilter = Readonly<Omit<ConfigurationFilter, 'tags'>> & { readonly tags: readonly Readonly<Tag>[] }
type Tag = ConfigurationFilter['tags'][number]

/** `<Filter>` with one of Prefix, Tag and And. Undefined: all objects. */
export function filterOf(parent: XmlElement): ConfigurationFilter | undefined {
  const filter = parent.child('Filter')
  if (!filter) return undefined
  // S3: access points are another way to name a bucket, which Coffer has not.
  if (filter.child('AccessPointArn') ?? filter.child('And')?.child('AccessPointArn')) {
    throw new S3Error('NotImplemented', 'Access points are not implemented.')
  }
  filter.allow('Prefix', 'Tag', 'And')
  const [only, another] = filter.elements
  if (!only || another) throw new S3Error('MalformedXML')
  if (only.name !== 'And') return conditionsOf(filter)
  only.allow('Prefix', 'Tag')
  if (only.elements.length < 2) throw new S3Error('MalformedXML')
  return conditionsOf(only)
}

function conditionsOf(element: XmlElement): ConfigurationFilter {
  const prefix = element.text('Prefix')
  const tags = element.children('Tag').map((tag) => {
    tag.allow('Key', 'Value')
    const [key, value] = [tag.text('Key'), tag.text('Value')]
    if (key === undefined || value === undefined) throw new S3Error('MalformedXML')
    checkTag({ key, value })
    return { key, value }
  })
  return { ...(prefix === undefined ? {} : { prefix }), tags }
}

export function filterContent(filter: ReadonlyFilter | undefined): XmlContent {
  if (!filter) return undefined
  const { prefix, tags } = filter
  const conditions = { Prefix: prefix, Tag: tags.map(({ key, value }) => ({ Key: key, Value: value })) }
  const count = tags.length + (prefix === undefined ? 0 : 1)
  return count > 1 ? { And: conditions } : conditions
}
