import { expect, it } from 'vitest'
import { diceFrom } from '../support/content.ts'
import { type Bound, grows, type Point, trendOf } from './trend.ts'

const BOUND: Bound = { name: 'heap', share: 0.05, least: 4 }
const HOUR_MS = 3_600_000

/** An hour of noise around `at` of `noise` either way, with a point every ten seconds. */
function hour(at: (share: number) => number, noise: number): Point[] {
  const dice = diceFrom('an hour')
  return Array.from({ length: 361 }, (_, index) => {
    return { atMs: index * 10_000, value: at(index / 360) + (dice.below(2001) / 1000 - 1) * noise }
  })
}
const verdict = (points: readonly Point[]): boolean | undefined => {
  const trend = trendOf(points)
  return trend && grows(trend, BOUND)
}

it('says that a value grows which is larger by a tenth in the end, however much it went up and down', () => {
  expect(verdict(hour((share) => 100 + 10 * share, 0))).toBe(true)
  expect(verdict(hour((share) => 100 + 10 * share, 20))).toBe(true)
  expect(verdict(hour((share) => (share < 0.5 ? 100 : 110), 5))).toBe(true)
})

it('takes noise, a fall and a single peak for no growth', () => {
  expect(verdict(hour(() => 100, 40))).toBe(false)
  expect(verdict(hour((share) => 100 - 30 * share, 5))).toBe(false)
  expect(verdict(hour((share) => (share > 0.97 ? 1000 : 100), 1))).toBe(false)
})

it('lets small values change by a few', () => {
  expect(verdict(hour((share) => 10 + 3 * share, 0))).toBe(false)
  expect(verdict(hour((share) => 10 + 8 * share, 0))).toBe(true)
})

it('tells growth in an hour, and nothing from three points', () => {
  const trend = trendOf(hour((share) => 100 + 10 * share, 0))
  expect(trend?.growth).toBeCloseTo(10, 6)
  expect(trend?.growthPerHour).toBeCloseTo(10, 6)
  expect(trendOf([0, 1, 2].map((value) => ({ atMs: value * HOUR_MS, value })))).toBeUndefined()
})
