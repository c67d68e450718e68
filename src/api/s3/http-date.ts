const MONTHS = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec'
/** RFC 9110, 5.6.7: IMF-fixdate, the format of RFC 850 and that of asctime. The first also without the day and with a numeric zone, as RFC 822 has it. */
const FORMATS: readonly RegExp[] = [
  new RegExp(`^(?:[A-Z][a-z]{2}, )?\\d\\d? (${MONTHS}) \\d{4} \\d\\d:\\d\\d:\\d\\d (GMT|UTC|[+-]\\d{4})$`),
  new RegExp(`^[A-Z][a-z]+day, \\d\\d-(${MONTHS})-\\d\\d \\d\\d:\\d\\d:\\d\\d GMT$`),
]
const ASCTIME = new RegExp(`^[A-Z][a-z]{2} (${MONTHS}) [ \\d]\\d \\d\\d:\\d\\d:\\d\\d \\d{4}$`)

/** Undefined when it is no HTTP date, however much of a date it may be otherwise. */
export function httpDateMs(text: string): number | undefined {
  const timeMs = ASCTIME.test(text)
    ? Date.parse(`${text} GMT`)
    : FORMATS.some((format) => format.test(text))
      ? Date.parse(text)
      : Number.NaN
  return Number.isNaN(timeMs) ? undefined : timeMs
}
