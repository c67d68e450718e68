/** Settings with the data directory as a word in front, as `coffer serve DIRECTORY` takes them. */
export function withDirectory([first, ...rest]: readonly string[]): readonly string[] {
  if (first === undefined) return []
  return first.startsWith('-') ? [first, ...rest] : ['--data-dir', first, ...rest]
}
