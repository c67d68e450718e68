import { mainAccount, type TestAccount } from './bootstrap.ts'
import { iamToken } from './control-api.ts'

/** What a customer does with root keys and authorizations, over the control API and nothing else. */
export interface KeyOwner {
  /** Any call, signed in as the account's user. */
  readonly call: (method: string, path: string, body?: unknown) => Promise<ControlAnswer>
  /** A new key of the account's Key Protect instance; extractable for a standard key. */
  readonly newKey: (name: string, more?: object) => Promise<{ readonly crn: string; readonly id: string }>
  readonly act: (keyId: string, action: 'disable' | 'enable' | 'rotate') => Promise<ControlAnswer>
  readonly remove: (keyId: string) => Promise<ControlAnswer>
  readonly restore: (keyId: string) => Promise<ControlAnswer>
  /** Resource CRNs that are registered at the key. */
  readonly registrations: (keyId: string) => Promise<string[]>
  /** Removes every authorization of the account; the result puts them back. */
  readonly withdrawAuthorizations: () => Promise<() => Promise<void>>
}

export interface ControlAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any
}

const KEY_TYPE = 'application/vnd.ibm.kms.key+json'

export async function keyOwner(controlUrl: string, account: TestAccount = mainAccount): Promise<KeyOwner> {
  const token = await iamToken(controlUrl, account.user.apiKey)

  const call: KeyOwner['call'] = async (method, path, body) => {
    const reply = await fetch(`${controlUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'bluemix-instance': account.keyProtectInstance ?? '',
        'content-type': 'application/json',
        accept: 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    return { status: reply.status, json: text === '' ? undefined : JSON.parse(text) }
  }
  const done = async (work: Promise<ControlAnswer>): Promise<ControlAnswer> => {
    const answer = await work
    if (answer.status >= 300)
      throw new Error(`the control API answered ${answer.status}: ${JSON.stringify(answer.json)}`)
    return answer
  }

  return {
    call,
    newKey: async (name, more = {}) => {
      const { json } = await done(
        call('POST', '/api/v2/keys', {
          metadata: { collectionType: KEY_TYPE, collectionTotal: 1 },
          resources: [{ type: KEY_TYPE, name, extractable: false, ...more }],
        }),
      )
      return { crn: json.resources[0].crn, id: json.resources[0].id }
    },
    act: (keyId, action) => done(call('POST', `/api/v2/keys/${keyId}/actions/${action}`)),
    remove: (keyId) => done(call('DELETE', `/api/v2/keys/${keyId}?force=true`)),
    restore: (keyId) => done(call('POST', `/api/v2/keys/${keyId}/restore`)),
    registrations: async (keyId) => {
      const { json } = await done(call('GET', `/api/v2/keys/${keyId}/registrations`))
      return (json.resources ?? []).map(({ resourceCrn }: { resourceCrn: string }) => resourceCrn)
    },
    withdrawAuthorizations: async () => {
      const { json } = await done(call('GET', `/v1/policies?account_id=${account.id}&type=authorization`))
      for (const { id } of json.policies) await done(call('DELETE', `/v1/policies/${id}`))
      return async () => {
        for (const { type, subjects, roles, resources } of json.policies) {
          const plain = roles.map(({ role_id }: { role_id: string }) => ({ role_id }))
          await done(call('POST', '/v1/policies', { type, subjects, roles: plain, resources }))
        }
      }
    },
  }
}
