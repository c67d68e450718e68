import type { z } from 'zod'
import type { KeyProvider } from '../../envelope/key-provider.ts'

/** The part of a logger that providers need. */
export interface ProviderLog {
  readonly info: (fields: object, message: string) => void
  readonly warn: (fields: object, message: string) => void
}

/** What the server hands to every provider that it opens. */
export interface KeyProviderHouse {
  /** As the configuration names it. */
  readonly name: string
  readonly log: ProviderLog
}

export interface OpenKeyProvider extends KeyProvider {
  /** What an operator should know of the service right now; short, without secrets or addresses. */
  readonly problems: () => readonly string[]
}

export interface KeyProviderDefinition<Settings extends z.ZodObject> {
  /** As the configuration names it. */
  readonly type: string
  readonly settings: Settings
  /** Members that are secrets: never shown, and each also readable from a file, `<member>-file`. */
  readonly secrets: readonly (keyof z.output<Settings> & string)[]
  /** Does not need the service to be there: it may come later. Throws when the settings themselves lead nowhere. */
  readonly open: (settings: z.output<Settings>, house: KeyProviderHouse) => Promise<OpenKeyProvider>
}

/** A kind of provider with the type of its settings closed over. */
export interface KeyProviderType {
  readonly type: string
  readonly members: readonly string[]
  readonly secrets: readonly string[]
  readonly configure: (given: unknown) => Configured
}

export type Configured =
  | { readonly success: true; readonly open: (house: KeyProviderHouse) => Promise<OpenKeyProvider> }
  | { readonly success: false; readonly issues: readonly { readonly member: string; readonly message: string }[] }

export function defineKeyProvider<Settings extends z.ZodObject>(
  definition: KeyProviderDefinition<Settings>,
): KeyProviderType {
  const { type, settings: schema, secrets, open } = definition
  return {
    type,
    members: Object.keys(schema.shape),
    secrets,
    configure: (given) => {
      const parsed = schema.safeParse(given)
      if (parsed.success) return { success: true, open: (house) => open(parsed.data, house) }
      const issues = parsed.error.issues.map((issue) => ({ member: issue.path.join('.'), message: issue.message }))
      return { success: false, issues }
    },
  }
}
