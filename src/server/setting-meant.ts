import { nearest } from '../base/nearest.ts'

const TYPING_ERRORS = 2
/** Of the words of both names so many have to be the same. */
const LEAST_ALIKE = 0.5
/** What other programs call it. */
const ALSO: ReadonlyMap<string, readonly string[]> = new Map([
  ['address', ['listen']],
  ['admin', ['control']],
  ['bind', ['listen']],
  ['console', ['control']],
  ['host', ['listen', 'domain']],
  ['password', ['passphrase']],
  ['port', ['listen']],
])

/**
 * The settings that were probably meant by a name that is none: one that differs in a few letters, or else those with the
 * most words in common. `known` are spelled as the name is.
 */
export function settingMeant(name: string, known: readonly string[]): string | undefined {
  const spelledWrong = nearest(name, known, TYPING_ERRORS, 0)
  if (spelledWrong !== undefined) return spelledWrong
  const words = wordsOf(name)
  const alike = known.map((candidate) => ({
    candidate,
    share: shareOf(words, wordsOf(candidate)),
  }))
  const most = Math.max(...alike.map(({ share }) => share))
  if (most < LEAST_ALIKE) return undefined
  const [best = '', second, ...more] = alike.filter(({ share }) => share === most).map(({ candidate }) => candidate)
  // Of many none was meant more than the others.
  if (more.length > 0) return undefined
  return second === undefined ? best : `${best} or ${second}`
}

const wordsOf = (name: string): readonly string[] =>
  name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '' && word !== 'coffer')

/** Dice's coefficient. */
function shareOf(words: readonly string[], of: readonly string[]): number {
  const common = words.filter((word) => of.some((other) => isSame(word, other)))
  return (2 * common.length) / (words.length + of.length)
}

const isSame = (word: string, other: string): boolean =>
  word === other ||
  ALSO.get(word)?.includes(other) === true ||
  (word.length >= 3 && other.startsWith(word)) ||
  (other.length >= 3 && word.startsWith(other)) ||
  (word.length >= 4 && nearest(word, [other], 1, 0) !== undefined)
