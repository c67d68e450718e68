/** Longer texts are not remembered: strangers choose them, and they would stay in memory. */
const MAX_TEXT = 512

/**
 * A pure function of a text that comes again with nearly every request. What it made of the last `max` texts or so is
 * remembered; what it throws is not. Its results are shared: they must not be changed.
 */
export function memoised<Result>(make: (text: string) => Result, max = 1024): (text: string) => Result {
  const made = new Map<string, Result>()
  return (text) => {
    const known = made.get(text)
    if (known !== undefined) return known
    const result = make(text)
    if (text.length > MAX_TEXT) return result
    if (made.size >= max) made.clear()
    made.set(text, result)
    return result
  }
}
