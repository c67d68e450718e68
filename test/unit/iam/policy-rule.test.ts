import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PolicyRule, RuleCondition } from '../../../src/iam/policy.ts'
import { compileRule } from '../../../src/iam/policy-rule.ts'

const attribute = (name: string) => `{{environment.attributes.${name}}}`
const time = (operator: string, value: string): RuleCondition => ({ key: attribute('current_time'), operator, value })
const days = (...value: string[]): RuleCondition => ({
  key: attribute('day_of_week'),
  operator: 'dayOfWeekAnyOf',
  value,
})
const dateTime = (operator: string, value: string): RuleCondition => ({
  key: attribute('current_date_time'),
  operator,
  value,
})
const date = (operator: string, value: string): RuleCondition => ({ key: attribute('current_date'), operator, value })
const all = (...conditions: RuleCondition[]): PolicyRule => ({ operator: 'and', conditions })

const CUSTOM_HOURS = 'time-based-conditions:weekly:custom-hours'
const ALL_DAY = 'time-based-conditions:weekly:all-day'
const ONCE = 'time-based-conditions:once'

const holdsAt = (pattern: string, rule: PolicyRule, iso: string): boolean | undefined =>
  compileRule(pattern, rule)?.(Date.parse(iso))

describe('a rule of', () => {
  it.each<[string, string, PolicyRule, readonly string[], readonly string[]]>([
    [
      'working hours, to the end of the last second',
      CUSTOM_HOURS,
      all(
        days('1+00:00', '2+00:00', '3+00:00', '4+00:00', '5+00:00'),
        time('timeGreaterThanOrEquals', '09:00:00+00:00'),
        time('timeLessThanOrEquals', '17:00:00+00:00'),
      ),
      ['2026-11-23T09:00:00Z', '2026-11-27T17:00:00.999Z', '2026-11-25T12:00:00Z'],
      ['2026-11-23T08:59:59.999Z', '2026-11-23T17:00:01Z', '2026-11-22T12:00:00Z', '2026-11-28T12:00:00Z'],
    ],
    [
      'hours of another zone, where it is another day too',
      CUSTOM_HOURS,
      all(days('1-05:00'), time('timeGreaterThan', '20:00:00-05:00')),
      ['2026-11-24T01:00:01Z', '2026-11-24T04:59:59Z'],
      ['2026-11-24T01:00:00Z', '2026-11-24T05:00:00Z', '2026-11-23T01:30:00Z'],
    ],
    [
      'whole days',
      ALL_DAY,
      days('7+05:30'),
      ['2026-11-21T18:30:00Z', '2026-11-22T18:29:59Z'],
      ['2026-11-21T18:29:59Z', '2026-11-22T18:30:00Z'],
    ],
    [
      'one day of the week',
      ALL_DAY,
      { key: attribute('day_of_week'), operator: 'dayOfWeekEquals', value: '3Z' },
      ['2026-11-25T00:00:00Z'],
      ['2026-11-26T00:00:00Z'],
    ],
    [
      'one stretch of time',
      ONCE,
      all(
        dateTime('dateTimeGreaterThanOrEquals', '2026-11-22T09:00:00+01:00'),
        dateTime('dateTimeLessThan', '2026-11-23T09:00:00+01:00'),
      ),
      ['2026-11-22T08:00:00Z', '2026-11-23T07:59:59Z'],
      ['2026-11-22T07:59:59Z', '2026-11-23T08:00:00Z'],
    ],
    [
      'days of the calendar',
      ONCE,
      all(date('dateGreaterThan', '2026-11-22+00:00'), date('dateLessThanOrEquals', '2026-11-24+00:00')),
      ['2026-11-23T00:00:00Z', '2026-11-24T23:59:59Z'],
      ['2026-11-22T23:59:59Z', '2026-11-25T00:00:00Z'],
    ],
    [
      'one of two',
      ONCE,
      {
        operator: 'or',
        conditions: [
          dateTime('dateTimeLessThan', '2026-01-01T00:00:00Z'),
          dateTime('dateTimeGreaterThan', '2026-12-31T00:00:00Z'),
        ],
      },
      ['2025-06-01T00:00:00Z', '2027-01-01T00:00:00Z'],
      ['2026-06-01T00:00:00Z'],
    ],
  ])('%s', (_, pattern, rule, within, outside) => {
    expect(within.map((iso) => holdsAt(pattern, rule, iso))).toEqual(within.map(() => true))
    expect(outside.map((iso) => holdsAt(pattern, rule, iso))).toEqual(outside.map(() => false))
  })

  it('days holds on exactly that day of any week, whatever the offset', () => {
    const offset = fc.constantFrom('Z', '+00:00', '-05:00', '+05:45', '-12:00', '+14:00')
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 1, max: 7 }), offset, (nowMs, day, zone) => {
        const minutes =
          zone === 'Z' ? 0 : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)))
        const there = new Date(nowMs + minutes * 60_000).getUTCDay() || 7
        expect(compileRule(ALL_DAY, days(`${day}${zone}`))?.(nowMs)).toBe(there === day)
      }),
    )
  })
})

describe('no rule is', () => {
  it.each<[string, string, PolicyRule]>([
    ['an unknown pattern', 'time-based-conditions:monthly', days('1Z')],
    ['a condition of another pattern', ALL_DAY, time('timeLessThan', '10:00:00Z')],
    ['an unknown attribute', ALL_DAY, { key: attribute('weather'), operator: 'dayOfWeekEquals', value: '1Z' }],
    ['an operator of another attribute', CUSTOM_HOURS, time('dateTimeLessThan', '10:00:00Z')],
    ['an unknown operator', CUSTOM_HOURS, time('timeEquals', '10:00:00Z')],
    ['an hour that no day has', CUSTOM_HOURS, time('timeLessThan', '24:00:00Z')],
    ['a time without an offset', CUSTOM_HOURS, time('timeLessThan', '10:00:00')],
    ['an offset that no zone has', CUSTOM_HOURS, time('timeLessThan', '10:00:00+25:00')],
    ['a day that no week has', ALL_DAY, days('0Z')],
    ['a day that no month has', ONCE, dateTime('dateTimeLessThan', '2026-02-30T00:00:00Z')],
    ['a date that no calendar has', ONCE, date('dateLessThan', '2026-13-01Z')],
    ['text', ONCE, dateTime('dateTimeLessThan', 'tomorrow')],
    ['several times', CUSTOM_HOURS, { ...time('timeLessThan', ''), value: ['10:00:00Z', '11:00:00Z'] }],
    ['one good and one bad condition', CUSTOM_HOURS, all(days('1Z'), time('timeLessThan', '10'))],
    ['no condition', CUSTOM_HOURS, all()],
    ['too many', ALL_DAY, all(...Array.from({ length: 21 }, () => days('1Z')))],
  ])('%s', (_, pattern, rule) => {
    expect(compileRule(pattern, rule)).toBeUndefined()
  })
})
