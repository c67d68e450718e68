import { describe, expect, it } from 'vitest'
import { Secret } from '../../../src/base/secret.ts'
import type { HttpReply } from '../../../src/providers/common/http-exchange.ts'
import { serviceTokens } from '../../../src/providers/key-protect/tokens.ts'

const COS = `crn:v1:bluemix:public:cloud-object-storage:global:a/${'a'.repeat(32)}:11111111-0000-4000-8000-000000000001::`
const OTHER = COS.replace('000000000001', '000000000002')
const ABOUT = { correlationId: 'c', deadlineMs: 0 }
const LIFE_SECONDS = 1800

/** A token service whose tokens are numbered, and a clock. */
function world() {
  const time = { nowMs: 0 }
  const asked: Readonly<Record<string, string>>[] = []
  const refuse: { by: HttpReply | undefined } = { by: undefined }
  let issued = 0
  const post = async (fields: Readonly<Record<string, string>>): Promise<HttpReply> => {
    asked.push(fields)
    if (refuse.by) return { ...refuse.by, body: Buffer.from(refuse.by.body) }
    const kind = fields['grant_type']?.endsWith(':apikey') ? 'user' : 'service'
    return reply(200, { access_token: `${kind}-${++issued}`, expires_in: LIFE_SECONDS })
  }
  const tokens = serviceTokens(
    post,
    () => new Secret('the API key'),
    () => time.nowMs,
  )
  return { tokens, time, asked, refuse }
}

const reply = (status: number, body: unknown): HttpReply => ({
  status,
  headers: {},
  body: Buffer.from(JSON.stringify(body)),
})
const quiet = () => new Promise((resolve) => setTimeout(resolve, 5))

describe('tokens of a service', () => {
  it('are asked for with the API key, then in the name of the instance', async () => {
    const { tokens, asked } = world()
    expect(await tokens.get(COS, ABOUT)).toBe('service-2')
    const grant = 'urn:ibm:params:oauth:grant-type:'
    expect(asked).toEqual([
      { response_type: 'cloud_iam', grant_type: `${grant}apikey`, apikey: 'the API key' },
      {
        response_type: 'cloud_iam',
        grant_type: `${grant}iam-authz`,
        desired_iam_id: `crn-${COS}`,
        access_token: 'user-1',
      },
    ])
  })

  it('are one for each instance and one request for all who wait', async () => {
    const { tokens, asked } = world()
    const all = await Promise.all([COS, COS, OTHER, COS].map((crn) => tokens.get(crn, ABOUT)))
    expect(all).toEqual(['service-2', 'service-2', 'service-3', 'service-2'])
    expect(asked).toHaveLength(3)
  })

  it('are renewed ahead, beside those who go on with the old one', async () => {
    const { tokens, time, asked } = world()
    await tokens.get(COS, ABOUT)
    time.nowMs = 1_200_000
    expect(await tokens.get(COS, ABOUT)).toBe('service-2')
    expect(asked).toHaveLength(2)
    time.nowMs = 1_300_000
    expect(await tokens.get(COS, ABOUT)).toBe('service-2')
    await quiet()
    expect(await tokens.get(COS, ABOUT)).toMatch(/^service-[34]$/)
  })

  it('are used to their end while no other is to be had, and not beyond', async () => {
    const { tokens, time, refuse } = world()
    await tokens.get(COS, ABOUT)
    refuse.by = reply(404, {})
    time.nowMs = 1_700_000
    expect(await tokens.get(COS, ABOUT)).toBe('service-2')
    await quiet()
    expect(await tokens.get(COS, ABOUT)).toBe('service-2')
    time.nowMs = 1_800_000
    await expect(tokens.get(COS, ABOUT)).rejects.toMatchObject({ code: 'KeyProviderUnavailable' })
    refuse.by = undefined
    expect(await tokens.get(COS, ABOUT)).toMatch(/^service-/)
  })

  it('are renewed when one was refused that is not new, once for all who heard so', async () => {
    const { tokens, time, asked } = world()
    const first = await tokens.get(COS, ABOUT)
    expect(await tokens.afterRefusal(COS, first, ABOUT)).toBeUndefined()
    time.nowMs = 6_000
    const others = await Promise.all([1, 2].map(() => tokens.afterRefusal(COS, first, ABOUT)))
    expect(others).toEqual(['service-3', 'service-3'])
    expect(await tokens.afterRefusal(COS, first, ABOUT)).toBe('service-3')
    expect(asked).toHaveLength(3)
  })

  it('come from a new token of the user when the old one is refused', async () => {
    const { tokens, time, asked, refuse } = world()
    await tokens.get(COS, ABOUT)
    time.nowMs = 60_000
    refuse.by = reply(400, { errorCode: 'BXNIM0407E' })
    const pending = tokens.get(OTHER, ABOUT)
    await Promise.resolve()
    refuse.by = undefined
    expect(await pending).toBe('service-4')
    expect(asked.map((fields) => fields['access_token'])).toEqual([undefined, 'user-1', 'user-1', undefined, 'user-3'])
  })

  it.each([
    [400, { errorCode: 'BXNIM0415E' }, 'KeyAccessDenied'],
    [401, {}, 'KeyAccessDenied'],
    [403, { errorCode: 'BXNIM0513E' }, 'KeyAccessDenied'],
    [400, {}, 'KeyProviderUnavailable'],
    [404, {}, 'KeyProviderUnavailable'],
    [200, { access_token: '' }, 'KeyProviderUnavailable'],
    [200, { access_token: 'x', expires_in: 'soon' }, 'KeyProviderUnavailable'],
  ])('that are refused with %i %o: %3$s', async (status, body, code) => {
    const { tokens, refuse } = world()
    refuse.by = reply(status, body)
    await expect(tokens.get(COS, ABOUT)).rejects.toMatchObject({ code })
  })
})
