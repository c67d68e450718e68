import type { SigningKeyInfo } from '../../../../iam/signing-keys.ts'

export const writeSigningKey = ({ kid, state, createdAtMs, signsFromMs }: SigningKeyInfo): object => ({
  kid,
  state,
  ...(createdAtMs === 0 ? {} : { created_at: new Date(createdAtMs).toISOString() }),
  ...(signsFromMs === 0 ? {} : { signs_from: new Date(signsFromMs).toISOString() }),
})
