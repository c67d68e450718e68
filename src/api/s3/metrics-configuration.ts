import { z } from 'zod'
import { configurationFilter, filterContent, filterOf } from './configuration-filter.ts'
import { CONFIGURATION_BODY, checkId, namedConfigurations } from './named-configurations.ts'
import { parseXml } from './xml/decode.ts'
import type { XmlContent } from './xml/encode.ts'

const metricsConfiguration = z.strictObject({ id: z.string(), filter: configurationFilter.exactOptional() })
export type MetricsConfiguration = z.infer<typeof metricsConfiguration>

export const metricsConfigurations = namedConfigurations('metrics', metricsConfiguration)

/** `<MetricsConfiguration><Id/><Filter/></MetricsConfiguration>` */
export function readMetrics(document: Buffer, id: string): MetricsConfiguration {
  const root = parseXml(document, 'MetricsConfiguration', CONFIGURATION_BODY.maxBytes)
  root.allow('Id', 'Filter')
  checkId(root, id)
  const filter = filterOf(root)
  return { id, ...(filter ? { filter } : {}) }
}

export const metricsContent = ({ id, filter }: MetricsConfiguration): XmlContent => ({
  Id: id,
  Filter: filterContent(filter),
})
