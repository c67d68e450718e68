import { z } from 'zod'
import { Secret } from '../../base/secret.ts'

const baseUrl = z.url('give an address like https://us-south.kms.cloud.ibm.com').transform((text, context) => {
  const url = new URL(text)
  const usable = (url.protocol === 'https:' || url.protocol === 'http:') && url.search === '' && url.hash === ''
  if (usable && url.username === '' && url.password === '') return url
  context.addIssue({ code: 'custom', message: 'give an http or https address, without user, query or fragment' })
  return z.NEVER
})

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/
const yesOrNo = z.union(
  [z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')],
  'give true or false',
)
const milliseconds = z
  .union([z.number(), z.string().regex(/^\d+$/).transform(Number)], 'give a whole number')
  .pipe(z.int('give a whole number').min(100, 'give at least 100').max(60_000, 'give at most 60000'))

/** How one Key Protect service is reached. */
export const keyProtectSettings = z
  .strictObject({
    /** Of the service; `/api/v2` is added. */
    url: baseUrl,
    /** Of the token service; `/identity/token` is added. Default: `url`, as Coffer serves both at one address. */
    'iam-url': baseUrl.optional(),
    /** Of a user or service ID that may act for the object storage instances. */
    'api-key': z
      .string('give a text')
      .min(1, 'must not be empty')
      .transform((text) => new Secret(text)),
    /** PEM file with the certificates that are trusted instead of the system's. */
    'ca-file': z.string('give a text').min(1, 'must not be empty').optional(),
    /** For one call with its repeats. */
    'timeout-ms': milliseconds.default(4000),
    'allow-plain-http': yesOrNo.default(false),
  })
  .superRefine((settings, context) => {
    for (const member of ['url', 'iam-url'] as const) {
      const url = settings[member]
      if (url?.protocol !== 'http:' || LOOPBACK.test(url.hostname) || settings['allow-plain-http']) continue
      const message = `data keys and API key would cross the network in clear: give an https address, or allow-plain-http = true`
      context.addIssue({ code: 'custom', path: [member], message })
    }
  })

export type KeyProtectSettings = z.output<typeof keyProtectSettings>
