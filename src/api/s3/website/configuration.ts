import { z } from 'zod'
import { storedDocument } from '../stored-document.ts'

const protocol = z.enum(['http', 'https'])
export type Protocol = z.infer<typeof protocol>

const redirect = z.strictObject({
  hostName: z.string().exactOptional(),
  protocol: protocol.exactOptional(),
  status: z.int().exactOptional(),
  replaceKeyPrefixWith: z.string().exactOptional(),
  replaceKeyWith: z.string().exactOptional(),
})
export type Redirect = z.infer<typeof redirect>

/** What is not said in a condition holds. */
const routingRule = z.strictObject({
  keyPrefix: z.string().exactOptional(),
  errorStatus: z.int().exactOptional(),
  redirect,
})
export type RoutingRule = z.infer<typeof routingRule>

const site = z.strictObject({
  indexSuffix: z.string(),
  errorKey: z.string().exactOptional(),
  rules: z.array(routingRule),
})
export type Site = z.infer<typeof site>

const elsewhere = z.strictObject({
  redirectAll: z.strictObject({ hostName: z.string(), protocol: protocol.exactOptional() }),
})

export type Elsewhere = z.infer<typeof elsewhere>

const websiteConfiguration = z.union([site, elsewhere])
export type WebsiteConfiguration = z.infer<typeof websiteConfiguration>

export const bucketWebsite = storedDocument('website', websiteConfiguration)
