import type { z } from 'zod'
import type { KeyProvider } from '../../envelope/key-provider.ts'
import type { Iam } from '../../iam/iam.ts'
import type { KmsService } from '../../kms/service.ts'

/** What the server hands to every provider; each takes what it needs. */
export interface KeyProviderHouse {
  readonly kms: KmsService
  readonly iam: Pick<Iam, 'instance' | 'servicePrincipal'>
}

export interface KeyProviderDefinition<Settings extends z.ZodType = z.ZodType> {
  /** As the configuration names it. */
  readonly name: string
  readonly supports: KeyProvider['supports']
  readonly settings: Settings
  /** Throws when the settings do not lead to a service. */
  readonly open: (settings: z.output<Settings>, house: KeyProviderHouse) => Promise<KeyProvider>
}

/** Keeps the type of the settings between their schema and `open`. */
export function defineKeyProvider<Settings extends z.ZodType>(
  definition: KeyProviderDefinition<Settings>,
): KeyProviderDefinition<Settings> {
  return definition
}
