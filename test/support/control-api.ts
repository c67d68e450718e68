import { mainAccount, type TestAccount } from './bootstrap.ts'

/** Plain calls of the control listener: what a test needs before the client under test can start. */
export async function iamToken(controlUrl: string, apiKey: string = mainAccount.user.apiKey): Promise<string> {
  const reply = await fetch(`${controlUrl}/identity/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams({ grant_type: 'urn:ibm:params:oauth:grant-type:apikey', apikey: apiKey }),
  })
  return textMember(await jsonOf(reply), 'access_token')
}

/** Of the service that an instance is, asked for by somebody who may act for it. */
export async function serviceToken(controlUrl: string, userToken: string, instanceCrn: string): Promise<string> {
  const reply = await fetch(`${controlUrl}/identity/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams({
      grant_type: 'urn:ibm:params:oauth:grant-type:iam-authz',
      access_token: userToken,
      desired_iam_id: `crn-${instanceCrn}`,
    }),
  })
  return textMember(await jsonOf(reply), 'access_token')
}

/** Makes a root key in the account's Key Protect instance; resolves to its CRN and id. */
export async function createRootKey(
  controlUrl: string,
  name: string,
  account: TestAccount = mainAccount,
): Promise<{ readonly crn: string; readonly id: string }> {
  const type = 'application/vnd.ibm.kms.key+json'
  const reply = await fetch(`${controlUrl}/api/v2/keys`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await iamToken(controlUrl, account.user.apiKey)}`,
      'bluemix-instance': account.keyProtectInstance ?? '',
      'content-type': type,
      accept: 'application/json',
      prefer: 'return=representation',
    },
    body: JSON.stringify({
      metadata: { collectionType: type, collectionTotal: 1 },
      resources: [{ type, name, extractable: false }],
    }),
  })
  const resources = member(await jsonOf(reply), 'resources')
  const [key] = Array.isArray(resources) ? resources : []
  return { crn: textMember(key, 'crn'), id: textMember(key, 'id') }
}

async function jsonOf(reply: Response): Promise<unknown> {
  const text = await reply.text()
  if (!reply.ok) throw new Error(`${reply.url} answered ${reply.status}: ${text}`)
  return JSON.parse(text)
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined
}

function textMember(value: unknown, name: string): string {
  const text = member(value, name)
  if (typeof text !== 'string') throw new Error(`the answer has no ${name}: ${JSON.stringify(value)}`)
  return text
}
