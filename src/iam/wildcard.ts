/** `*` any run of characters, `?` exactly one. Its time is bounded by the product of the lengths, whatever the pattern. */
export function wildcardMatch(pattern: string, value: string): boolean {
  let at = 0
  let star = -1
  let resumeAt = 0
  let position = 0
  while (position < value.length) {
    if (pattern[at] === '*') {
      star = at++
      resumeAt = position
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === value[position])) {
      at++
      position++
    } else if (star >= 0) {
      at = star + 1
      position = ++resumeAt
    } else {
      return false
    }
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
