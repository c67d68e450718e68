import type { Principal } from './principal.ts'

/**
 * Somebody acts with what GetSessionToken gave. AWS: it manages nobody, so that whoever gets hold of it gets nothing that
 * lasts longer.
 */
export const actsBySessionToken = (principal: Principal): boolean =>
  principal.type !== 'service' && principal.temporarySinceMs !== undefined && principal.aws?.kind !== 'role'
