import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { createRootKey, iamToken } from '../support/control-api.ts'
import { startHouse } from '../support/house.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

it('starts destroy the keys whose time is over, however short the runs are, once the clock has not just jumped', async () => {
  const first = await startHouse()
  const { id } = await createRootKey(first.controlUrl, 'doomed')
  const call = async (controlUrl: string, method: string, path: string) =>
    fetch(`${controlUrl}/api/v2/keys/${id}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await iamToken(controlUrl)}`,
        'bluemix-instance': mainAccount.keyProtectInstance,
      },
    })
  expect((await call(first.controlUrl, 'DELETE', '')).ok).toBe(true)
  expect((await call(first.controlUrl, 'GET', '/metadata')).status).toBe(200)
  await first.stop()

  const jumped = { now: () => systemClock.now() + 91 * DAY_MS }
  const doubting = await startHouse({ directory: first.directory, clock: jumped })
  await sleep(200)
  expect((await call(doubting.controlUrl, 'GET', '/metadata')).status).toBe(200)
  await doubting.stop()

  const clock = { now: () => jumped.now() + HOUR_MS }
  const later = await startHouse({ directory: first.directory, clock })
  try {
    let status = 200
    for (let tries = 0; status === 200 && tries < 100; tries++) {
      status = (await call(later.controlUrl, 'GET', '/metadata')).status
      if (status === 200) await sleep(50)
    }
    expect(status).toBe(404)
  } finally {
    await later.stop()
    await rm(first.directory, { recursive: true, force: true })
  }
})
