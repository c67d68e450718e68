/** No token lives longer, whatever the setting: a key that signs no more is kept that long. */
export const MAX_TOKEN_LIFE_MS = 86_400_000

/** Clients refresh 10 to 15 s before the end, and one of them never sends a request with a token that has less left. */
export const MIN_TOKEN_LIFE_MS = 60_000

export interface TokenSettings {
  /** Of an access token of a user or service ID. Of a service's own: half an hour, or this if it is less. */
  readonly tokenLifeMs: number
  readonly refreshTokenLifeMs: number
}

export const DEFAULT_TOKEN_SETTINGS: TokenSettings = {
  tokenLifeMs: 3_600_000,
  refreshTokenLifeMs: 30 * 86_400_000,
}

export const DEFAULT_SIGNING_KEY_SETTINGS = { maxAgeMs: 30 * 86_400_000, leadMs: 86_400_000 } as const
