import { keyProtect } from './key-protect/key-protect.ts'

/** Every kind of key provider that settings can declare, by its `type`. */
export const KEY_PROVIDERS = { 'key-protect': keyProtect } as const
