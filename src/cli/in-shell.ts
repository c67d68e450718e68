/** A word of a command that is shown, as shells take it. Names come from whoever gave them, and what is copied is run. */
export const inShell = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
