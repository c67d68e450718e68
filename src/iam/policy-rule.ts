import type { PolicyRule, RuleCondition } from './policy.ts'

/** Is it time? `nowMs`: milliseconds since the Unix epoch. */
export type Moment = (nowMs: number) => boolean

const CURRENT_TIME = '{{environment.attributes.current_time}}'
const CURRENT_DATE = '{{environment.attributes.current_date}}'
const CURRENT_DATE_TIME = '{{environment.attributes.current_date_time}}'
const DAY_OF_WEEK = '{{environment.attributes.day_of_week}}'

/** Which comparisons each form of a rule may have, by the clock's attribute. */
const PATTERNS: ReadonlyMap<string, readonly string[]> = new Map([
  ['time-based-conditions:once', [CURRENT_DATE, CURRENT_DATE_TIME]],
  ['time-based-conditions:weekly:all-day', [DAY_OF_WEEK]],
  ['time-based-conditions:weekly:custom-hours', [DAY_OF_WEEK, CURRENT_TIME]],
])
export const RULE_PATTERNS = [...PATTERNS.keys()]
const MAX_CONDITIONS = 20

const DAY_MS = 86_400_000
const OFFSET = String.raw`(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)`
const TIME = new RegExp(String.raw`^((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)${OFFSET}$`)
const DATE = new RegExp(String.raw`^(\d{4}-\d{2}-\d{2})${OFFSET}$`)
const DATE_TIME = new RegExp(String.raw`^(\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.\d{1,3})?${OFFSET}$`)
/** 1 is Monday, 7 is Sunday. */
const DAY = new RegExp(`^([1-7])${OFFSET}$`)

/**
 * A rule as a function of the clock; undefined when it is not one of `pattern` that is known here in full: a condition
 * ignored is a right given away. Offsets are fixed: rules know no daylight saving time.
 */
export function compileRule(pattern: string, rule: PolicyRule): Moment | undefined {
  const keys = PATTERNS.get(pattern)
  const conditions = 'conditions' in rule ? rule.conditions : [rule]
  if (!keys || conditions.length === 0 || conditions.length > MAX_CONDITIONS) return undefined
  const moments: Moment[] = []
  for (const condition of conditions) {
    const moment = keys.includes(condition.key) ? compileCondition(condition) : undefined
    if (!moment) return undefined
    moments.push(moment)
  }
  return 'conditions' in rule && rule.operator === 'or'
    ? (nowMs) => moments.some((holds) => holds(nowMs))
    : (nowMs) => moments.every((holds) => holds(nowMs))
}

function compileCondition({ key, operator, value }: RuleCondition): Moment | undefined {
  if (key === DAY_OF_WEEK) return compileDays(operator, value)
  if (typeof value !== 'string') return undefined
  if (key === CURRENT_TIME) return compare(operator, 'time', timePoint(value))
  if (key === CURRENT_DATE) return compare(operator, 'date', datePoint(value))
  return compare(operator, 'dateTime', instant(value))
}

function compileDays(operator: string, value: string | readonly string[]): Moment | undefined {
  const listed = typeof value === 'string' ? [value] : value
  const fits = operator === 'dayOfWeekAnyOf' || (operator === 'dayOfWeekEquals' && typeof value === 'string')
  if (!fits || listed.length === 0 || listed.length > 7) return undefined
  const days = listed.map((text) => DAY.exec(text))
  if (days.includes(null)) return undefined
  const wanted = days.map((match) => ({ day: Number(match?.[1]) % 7, offsetMs: offsetMs(match?.[2]) }))
  return (nowMs) => wanted.some(({ day, offsetMs: by }) => new Date(nowMs + by).getUTCDay() === day)
}

/** A point of a scale, and where the clock stands on that scale, both in milliseconds. */
interface Point {
  readonly at: number
  readonly clock: (nowMs: number) => number
}

function compare(operator: string, prefix: string, point: Point | undefined): Moment | undefined {
  if (!point) return undefined
  const { at, clock } = point
  switch (operator) {
    case `${prefix}LessThan`:
      return (nowMs) => clock(nowMs) < at
    case `${prefix}LessThanOrEquals`:
      return (nowMs) => clock(nowMs) <= at
    case `${prefix}GreaterThan`:
      return (nowMs) => clock(nowMs) > at
    case `${prefix}GreaterThanOrEquals`:
      return (nowMs) => clock(nowMs) >= at
    default:
      return undefined
  }
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by
const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000

/** Time of day, in whole seconds as the rule gives it: until 17:00:00 is to the end of that second. */
function timePoint(text: string): Point | undefined {
  const [, time, offset] = TIME.exec(text) ?? []
  if (time === undefined) return undefined
  const by = offsetMs(offset)
  return { at: Date.parse(`1970-01-01T${time}Z`), clock: (nowMs) => wholeSeconds(modulo(nowMs + by, DAY_MS)) }
}

function datePoint(text: string): Point | undefined {
  const [, date, offset] = DATE.exec(text) ?? []
  const at = utc(`${date}T00:00:00`)
  if (date === undefined || at === undefined) return undefined
  const by = offsetMs(offset)
  return { at, clock: (nowMs) => Math.floor((nowMs + by) / DAY_MS) * DAY_MS }
}

function instant(text: string): Point | undefined {
  const [, local, offset] = DATE_TIME.exec(text) ?? []
  const at = local === undefined ? undefined : utc(local)
  return at === undefined ? undefined : { at: at - offsetMs(offset), clock: wholeSeconds }
}

/** Undefined for a day that no calendar has, which Date would move into the next month. */
function utc(local: string): number | undefined {
  const at = Date.parse(`${local}Z`)
  return Number.isNaN(at) || !new Date(at).toISOString().startsWith(local) ? undefined : at
}

function offsetMs(offset = 'Z'): number {
  if (offset === 'Z') return 0
  const [hours, minutes] = offset.slice(1).split(':').map(Number)
  return (offset.startsWith('-') ? -1 : 1) * ((hours ?? 0) * 60 + (minutes ?? 0)) * 60_000
}
