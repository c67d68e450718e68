export { listSigningKeys } from './list-signing-keys.ts'
export { rotateSigningKey } from './rotate-signing-key.ts'
