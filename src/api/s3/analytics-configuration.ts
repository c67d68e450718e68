import { z } from 'zod'
import { configurationFilter, filterContent, filterOf } from './configuration-filter.ts'
import { S3Error } from './error-codes.ts'
import { CONFIGURATION_BODY, checkId, namedConfigurations } from './named-configurations.ts'
import { parseXml } from './xml/decode.ts'
import type { XmlContent } from './xml/encode.ts'

const analyticsConfiguration = z.strictObject({ id: z.string(), filter: configurationFilter.exactOptional() })
export type AnalyticsConfiguration = z.infer<typeof analyticsConfiguration>

export const analyticsConfigurations = namedConfigurations('analytics', analyticsConfiguration)

/** `<AnalyticsConfiguration><Id/><Filter/><StorageClassAnalysis/></AnalyticsConfiguration>`. Throws NotImplemented for an export. */
export function readAnalytics(document: Buffer, id: string): AnalyticsConfiguration {
  const root = parseXml(document, 'AnalyticsConfiguration', CONFIGURATION_BODY.maxBytes)
  root.allow('Id', 'Filter', 'StorageClassAnalysis')
  checkId(root, id)
  const analysis = root.child('StorageClassAnalysis')
  if (!analysis) throw new S3Error('MalformedXML')
  analysis.allow('DataExport')
  if (analysis.child('DataExport')) {
    // No report would ever arrive.
    throw new S3Error('NotImplemented', 'The export of a storage class analysis (DataExport) is not implemented.')
  }
  const filter = filterOf(root)
  return { id, ...(filter ? { filter } : {}) }
}

export const analyticsContent = ({ id, filter }: AnalyticsConfiguration): XmlContent => ({
  Id: id,
  Filter: filterContent(filter),
  StorageClassAnalysis: {},
})
