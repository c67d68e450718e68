import { budgetedProvider } from '../../src/envelope/wrap-budget.ts'
import { wrapCounts } from '../../src/server/wrap-counts.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import { memoryKeyProvider } from '../support/fakes/memory-key-provider.ts'
import { keyProviderSuite } from './key-provider.ts'

keyProviderSuite('with counted wraps', async () => {
  const kms = memoryKeyProvider()
  const options = { counts: wrapCounts(memoryStore()), limit: 2 ** 32, onNearLimit: () => {} }
  return { ...kms, provider: budgetedProvider(kms.provider, options) }
})
