import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'

it('a running server rotates keys by their policies', async () => {
  const settings = { COFFER_KMS_ROTATION_MONTH_MS: '200', COFFER_KMS_SWEEP_INTERVAL_MS: '50' }
  await using house = await startHouse({ settings })
  const owner = await keyOwner(house.controlUrl)
  const { id } = await owner.newKey('rotating')
  const type = 'application/vnd.ibm.kms.policy+json'
  const policy = { metadata: { collectionTotal: 1 }, resources: [{ type, rotation: { interval_month: 1 } }] }
  expect((await owner.call('PUT', `/api/v2/keys/${id}/policies?policy=rotation`, policy)).status).toBe(200)
  let total = 1
  for (let tries = 0; total < 3 && tries < 200; tries++) {
    await sleep(50)
    total = (await owner.call('GET', `/api/v2/keys/${id}/versions?totalCount=true`)).json.metadata.totalCount
  }
  expect(total).toBeGreaterThanOrEqual(3)
})
