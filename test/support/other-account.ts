import type { TestAccount } from './bootstrap.ts'

/** A second account without anything in common with the main one. */
export const otherAccount: TestAccount & { readonly keyProtectInstance: string } = {
  id: '22222222222222222222222222222222',
  name: 'other',
  canonicalId: 'the-other-owner',
  objectStorageInstance: '22222222-0000-4000-8000-000000000001',
  keyProtectInstance: '22222222-0000-4000-8000-000000000002',
  user: {
    iamId: 'IBMid-other',
    name: 'Other user',
    email: 'other@example.com',
    accessKeyId: 'TESTOTHERACCESSKEY01',
    secretAccessKey: 'test-other-secret-access-key-0123456789abc',
    apiKey: 'test-other-api-key-0123456789abcdef012345678',
  },
}
