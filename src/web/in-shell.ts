const CONTROLS = /\p{Cc}/gu

/** A word of a command as shells take it. Names come from whoever stored them, and what is copied is run. */
export function inShell(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (word.search(CONTROLS) < 0) return `'${word.replaceAll("'", String.raw`'\''`)}'`
  const escaped = word.replaceAll(/['\\]/g, String.raw`\$&`)
  return `$'${escaped.replaceAll(CONTROLS, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)}'`
}
