import { registerHooks } from 'node:module'

/**
 * Loaded with `--import` before the server: the modules that seal get a `node:crypto` that does nothing. The server has
 * no such switch, and none that is started without this opens a store that was written with it.
 */
const SEALING = /\/src\/envelope\/(segment-cipher|small-envelope|record-cipher|hkdf|dek|salt)\.ts$/
const NOTHING = new URL('./crypto.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'node:crypto' && SEALING.test(context.parentURL ?? '')
      ? { url: NOTHING, shortCircuit: true }
      : next(specifier, context),
})
