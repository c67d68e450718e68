import type { SigningKeyInfo } from '../../../../iam/signing-keys.ts'
import type { SigningKeyAnswer } from '../../reply-schemas.ts'

export const writeSigningKey = ({ kid, state, createdAtMs, signsFromMs }: SigningKeyInfo): SigningKeyAnswer => ({
  kid,
  state,
  ...(createdAtMs === 0 ? {} : { created_at: new Date(createdAtMs).toISOString() }),
  ...(signsFromMs === 0 ? {} : { signs_from: new Date(signsFromMs).toISOString() }),
})
