import { z } from 'zod'
import type { Api } from '../api/common/api.ts'
import type { DocumentOptions } from '../api/common/openapi/document.ts'
import { VERSION } from './version.ts'

const keyProtectHeaders = z.object({
  'Bluemix-Instance': z.uuid().meta({ description: 'GUID of the instance of Key Protect.' }),
  'X-Kms-Key-Ring': z.string().optional().meta({ description: 'Only keys of this ring are there for the call.' }),
  'Correlation-Id': z.string().optional(),
  Prefer: z.enum(['return=minimal', 'return=representation']).optional(),
})

interface Described {
  readonly keyProtect: Api | undefined
  readonly iam: readonly Api[]
  readonly admin: Api | undefined
  readonly resourceConfiguration: Api | undefined
}

/** What this half of the server has, described out of its own tables. */
export function openApiDocuments({ keyProtect, iam, admin, resourceConfiguration }: Described) {
  const documents: Record<string, DocumentOptions> = {
    iam: {
      title: 'Identities and policies',
      description:
        'Tokens, policies, roles, users, service IDs, API keys and instances, as IBM Cloud has them. Each of its APIs has an error language of its own.',
      version: VERSION,
      apis: iam,
    },
  }
  if (keyProtect) {
    documents['key-protect'] = {
      title: 'Key Protect',
      description:
        'Root keys: their life, their policies, what they wrap, and the resources that are registered at them.',
      version: VERSION,
      apis: [keyProtect],
      headers: keyProtectHeaders,
    }
  }
  if (admin) {
    documents['admin'] = {
      title: 'Administration',
      description: 'What neither S3 nor Key Protect has a call for: who can read what, what goes dark, what was done.',
      version: VERSION,
      apis: [admin],
    }
  }
  if (resourceConfiguration) {
    documents['resource-configuration'] = {
      title: 'Resource configuration',
      description: 'Settings of buckets that S3 has no call for: firewall, quota, activity tracking.',
      version: VERSION,
      apis: [resourceConfiguration],
    }
  }
  return documents
}
