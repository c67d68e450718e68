import { issuerName, type OidcProvider, oidcProviderArn } from '../../../iam/oidc/provider.ts'
import { isoDate, type QueryCall, type QueryForm, type QueryOperation, validation } from './query-operation.ts'

const ARN = 'OpenIDConnectProviderArn'

const resource = ({ form }: QueryCall): string => form.require(ARN)
const found = ({ form, accountId, iam }: QueryCall): OidcProvider =>
  iam.aws.oidcProviders.get(accountId, form.require(ARN))

/** Throws ValidationError for a list that has gaps, which would leave something out. */
function listed(form: QueryForm, name: string): readonly string[] {
  const list = form.list(name)
  const given = form.names.filter((one) => one.startsWith(`${name}.`))
  if (given.length !== list.length) throw validation(`${name} is a list without gaps.`)
  return list
}

export const OIDC_PROVIDERS: readonly QueryOperation[] = [
  {
    ...{ name: 'CreateOpenIDConnectProvider', api: 'iam', changes: true },
    takes: ['Url', 'ClientIDList.member.N', 'ThumbprintList.member.N'],
    resource: ({ form, accountId }) => oidcProviderArn({ accountId, url: form.require('Url') }),
    run: async ({ form, accountId, iam }) => {
      const provider = await iam.aws.oidcProviders.create({
        ...{ accountId, url: form.require('Url') },
        clientIds: listed(form, 'ClientIDList'),
        thumbprints: listed(form, 'ThumbprintList'),
      })
      return { OpenIDConnectProviderArn: oidcProviderArn(provider) }
    },
  },
  {
    ...{ name: 'GetOpenIDConnectProvider', api: 'iam', takes: [ARN], resource },
    run: (call) => {
      const { url, clientIds, thumbprints, createdAtMs } = found(call)
      return {
        // As AWS, which knows no others, unless it would be taken for one with TLS.
        Url: url.startsWith('https://') ? issuerName(url) : url,
        ClientIDList: { member: clientIds },
        ThumbprintList: { member: thumbprints },
        CreateDate: isoDate(createdAtMs),
      }
    },
  },
  {
    ...{ name: 'ListOpenIDConnectProviders', api: 'iam', takes: [] },
    resource: ({ accountId }) => `arn:aws:iam::${accountId}:oidc-provider/*`,
    run: ({ iam, accountId }) => {
      const member = iam.aws.oidcProviders.list(accountId).map((one) => ({ Arn: oidcProviderArn(one) }))
      return { OpenIDConnectProviderList: { member } }
    },
  },
  {
    ...{ name: 'AddClientIDToOpenIDConnectProvider', api: 'iam', takes: [ARN, 'ClientID'], changes: true, resource },
    run: async ({ form, accountId, iam }) => {
      await iam.aws.oidcProviders.addClientId(accountId, form.require(ARN), form.require('ClientID'))
      return undefined
    },
  },
  {
    ...{ name: 'RemoveClientIDFromOpenIDConnectProvider', api: 'iam', takes: [ARN, 'ClientID'] },
    ...{ changes: true, resource },
    run: async ({ form, accountId, iam }) => {
      await iam.aws.oidcProviders.removeClientId(accountId, form.require(ARN), form.require('ClientID'))
      return undefined
    },
  },
  {
    ...{ name: 'UpdateOpenIDConnectProviderThumbprint', api: 'iam', takes: [ARN, 'ThumbprintList.member.N'] },
    ...{ changes: true, resource },
    run: async ({ form, accountId, iam }) => {
      const thumbprints = listed(form, 'ThumbprintList')
      if (thumbprints.length === 0) throw validation('The request must contain the parameter ThumbprintList.')
      await iam.aws.oidcProviders.setThumbprints(accountId, form.require(ARN), thumbprints)
      return undefined
    },
  },
  {
    ...{ name: 'DeleteOpenIDConnectProvider', api: 'iam', takes: [ARN], changes: true, resource },
    run: async ({ form, accountId, iam }) => {
      await iam.aws.oidcProviders.remove(accountId, form.require(ARN))
      return undefined
    },
  },
]
