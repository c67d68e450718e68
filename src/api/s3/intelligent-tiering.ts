import { z } from 'zod'
import { configurationFilter, filterContent, filterOf } from './configuration-filter.ts'
import { S3Error } from './error-codes.ts'
import { CONFIGURATION_BODY, checkId, namedConfigurations } from './named-configurations.ts'
import { integer } from './target.ts'
import { parseXml, type XmlElement } from './xml/decode.ts'
import type { XmlContent } from './xml/encode.ts'

/** S3: the fewest days without access after which an object may go there. */
const LEAST_DAYS = { ARCHIVE_ACCESS: 90, DEEP_ARCHIVE_ACCESS: 180 } as const
const MOST_DAYS = 730

const tiering = z.strictObject({ tier: z.enum(['ARCHIVE_ACCESS', 'DEEP_ARCHIVE_ACCESS']), days: z.int() })
const intelligentTiering = z.strictObject({
  id: z.string(),
  filter: configurationFilter.exactOptional(),
  status: z.enum(['Enabled', 'Disabled']),
  tierings: z.array(tiering),
})
export type IntelligentTiering = z.infer<typeof intelligentTiering>

export const intelligentTierings = namedConfigurations('intelligentTiering', intelligentTiering)

/** `<IntelligentTieringConfiguration><Id/><Filter/><Status/><Tiering><AccessTier/><Days/></Tiering>…` */
export function readIntelligentTiering(document: Buffer, id: string): IntelligentTiering {
  const root = parseXml(document, 'IntelligentTieringConfiguration', CONFIGURATION_BODY.maxBytes)
  root.allow('Id', 'Filter', 'Status', 'Tiering')
  checkId(root, id)
  const filter = filterOf(root)
  const status = root.text('Status')
  if (status !== 'Enabled' && status !== 'Disabled') throw new S3Error('MalformedXML')
  const tierings = root.children('Tiering').map(tieringOf)
  const tiers = new Set(tierings.map(({ tier }) => tier))
  if (tierings.length === 0 || tiers.size < tierings.length) throw new S3Error('MalformedXML')
  return { id, ...(filter ? { filter } : {}), status, tierings }
}

function tieringOf(element: XmlElement): IntelligentTiering['tierings'][number] {
  element.allow('AccessTier', 'Days')
  const tier = element.text('AccessTier')
  if (tier !== 'ARCHIVE_ACCESS' && tier !== 'DEEP_ARCHIVE_ACCESS') throw new S3Error('MalformedXML')
  return { tier, days: integer('Days', element.text('Days') ?? '', LEAST_DAYS[tier], MOST_DAYS) }
}

export const intelligentTieringContent = ({ id, filter, status, tierings }: IntelligentTiering): XmlContent => ({
  Id: id,
  Filter: filterContent(filter),
  Status: status,
  Tiering: tierings.map(({ tier, days }) => ({ AccessTier: tier, Days: days })),
})
