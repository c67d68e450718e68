import { cachedProvider } from '../../src/envelope/cached-provider.ts'
import { memoryKeyProvider } from '../support/fakes/memory-key-provider.ts'
import { keyProviderSuite } from './key-provider.ts'

keyProviderSuite('in memory', async () => memoryKeyProvider())

// A cache that asks at every use keeps every promise of what it is wrapped around.
keyProviderSuite('cached, in memory', async () => {
  const kms = memoryKeyProvider()
  return { ...kms, provider: cachedProvider(kms.provider, { permitMs: 0 }) }
})
