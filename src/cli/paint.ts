import { stripVTControlCharacters } from 'node:util'

export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
}

const between =
  (on: number, off: number) =>
  (text: string): string =>
    text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`

const COLOURS: Paint = {
  bold: between(1, 22),
  dim: between(2, 22),
  red: between(31, 39),
  green: between(32, 39),
  yellow: between(33, 39),
}
const same = (text: string): string => text
const PLAIN: Paint = { bold: same, dim: same, red: same, green: same, yellow: same }

export const paintFor = (isColoured: boolean): Paint => (isColoured ? COLOURS : PLAIN)

/** Columns that it takes on a terminal, near enough. */
export const widthOf = (text: string): number => [...stripVTControlCharacters(text)].length

/**
 * Names come from whoever stored them, and a terminal obeys what it is sent: control characters are shown, never sent.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
export const shown = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => escaped(char))

/**
 * What people are told, names of others in it: lines and our own colours stay, and all else that a terminal would obey is
 * shown.
 */
export const harmless = (text: string): string =>
  text
    .split(OURS)
    .map((part, index) => (index % 2 === 0 ? shown(part) : part))
    .join('')

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const OURS = /(\u001b\[(?:1|2|22|31|32|33|39)m|\n)/

const escaped = (char: string): string => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
