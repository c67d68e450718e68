import { embedded } from './embedded.ts'

/** Every key provider there is; the configuration's union of provider settings is made from this table. */
export const KEY_PROVIDERS = { embedded } as const
