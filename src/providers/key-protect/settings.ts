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

const apiKeys = z.string('give lines of an account id and an API key').transform((text, context) => {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const pairs = lines.map((line) => /^\s*([0-9a-f]{32})\s+(\S+)\s*$/.exec(line))
  const keys = new Map(pairs.map((pair) => [pair?.[1] ?? '', new Secret(pair?.[2] ?? '')]))
  if (pairs.length > 0 && !pairs.includes(null) && keys.size === pairs.length) return keys
  context.addIssue({ code: 'custom', message: 'give a line of an account id and an API key for each account' })
  return z.NEVER
})

/** How one Key Protect service is reached. */
export const keyProtectSettings = z
  .strictObject({
    /** Of the service; `/api/v2` is added. */
    url: baseUrl,
    /** Of the token service; `/identity/token` is added. Default: `url`, as Coffer serves both at one address. */
    'iam-url': baseUrl.optional(),
    /** Of a user or service ID that may act for the object storage instances of its account. */
    'api-key': z
      .string('give a text')
      .min(1, 'must not be empty')
      .transform((text) => new Secret(text))
      .optional(),
    /** For instances of several accounts, which no one identity may act for. */
    'api-keys': apiKeys.optional(),
    /** PEM file with the certificates that are trusted instead of the system's. */
    'ca-file': z.string('give a text').min(1, 'must not be empty').optional(),
    /** PEM files with what this side shows where the service asks its clients for certificates. Looked at for changes. */
    'client-certificate-file': z.string('give a text').min(1, 'must not be empty').optional(),
    'client-key-file': z.string('give a text').min(1, 'must not be empty').optional(),
    /** For one call with its repeats. */
    'timeout-ms': milliseconds.default(4000),
    'allow-plain-http': yesOrNo.default(false),
  })
  .superRefine((settings, context) => {
    if ((settings['client-certificate-file'] === undefined) !== (settings['client-key-file'] === undefined)) {
      const path = [settings['client-key-file'] === undefined ? 'client-key-file' : 'client-certificate-file']
      context.addIssue({ code: 'custom', path, message: 'client-certificate-file and client-key-file belong together' })
    }
    if (settings['api-key'] === undefined && settings['api-keys'] === undefined) {
      context.addIssue({ code: 'custom', path: ['api-key'], message: 'give one, or api-keys for several accounts' })
    }
    for (const member of ['url', 'iam-url'] as const) {
      const url = settings[member]
      if (url?.protocol !== 'http:' || LOOPBACK.test(url.hostname) || settings['allow-plain-http']) continue
      const message = `data keys and API key would cross the network in clear: give an https address, or allow-plain-http = true`
      context.addIssue({ code: 'custom', path: [member], message })
    }
  })

/** The API key for instances of an account. */
export const apiKeyOf = (settings: KeyProtectSettings, account: string): Secret | undefined =>
  settings['api-keys']?.get(account) ?? settings['api-key']

export type KeyProtectSettings = z.output<typeof keyProtectSettings>
