import type { Iam } from '../../iam/iam.ts'
import { type Api, defineApi } from '../common/api.ts'
import { identityProtocol } from './identity-protocol.ts'
import * as operations from './operations/index.ts'
import { policyProtocol } from './policy-protocol.ts'

/** `/identity/*` and `/v1/policies`: two APIs, because they tell their errors in two ways. */
export function iamApis(iam: Iam): readonly Api[] {
  const { createIdentityToken, createOidcToken, getKeys, getOpenidConfiguration, ...policies } = operations
  return [
    defineApi(identityProtocol(iam), [createIdentityToken, createOidcToken, getKeys, getOpenidConfiguration]),
    defineApi(policyProtocol(iam), Object.values(policies)),
  ]
}
