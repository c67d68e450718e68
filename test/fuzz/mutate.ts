import type { Random } from './random.ts'

/** What readers count wrong at, in bytes of text and of numbers. */
const NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]
const WORDS = [
  ...[
    '',
    '\0',
    '\r\n',
    '\n',
    '%00',
    '%',
    '%ff',
    '%2e%2e%2f',
    '../',
    '/',
    '\\',
    '"',
    "'",
    '\u00e9',
    '\ud83d\ude00',
    '\ufeff',
  ],
  ...['0', '-1', '1e999', '99999999999999999999', '0x10', 'NaN', 'null', 'true', '[]', '{}', '[[[[[[[[', '{"a":{"a":'],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'valueOf',
    'hasOwnProperty',
    '\u202e',
    '\u0000',
    ' ',
    '\t',
    ';',
    ':',
    '*',
    '?',
    '$',
    '${',
  ],
]

interface Change {
  readonly input: Buffer
  readonly random: Random
  readonly words: readonly string[]
  /** Another input of the same reader. */
  readonly other: Buffer
}

const splice = (input: Buffer, at: number, count: number, put: Uint8Array): Buffer =>
  Buffer.concat([input.subarray(0, at), put, input.subarray(at + count)])

const cut = ({ input, random }: Change): { readonly at: number; readonly count: number } => {
  const at = random.below(input.length + 1)
  const most = Math.min(input.length - at, random.below(4) === 0 ? input.length : 16)
  return { at, count: random.below(most + 1) }
}

const CHANGES: readonly ((change: Change) => Buffer)[] = [
  ({ input, random }) => {
    const changed = Buffer.from(input)
    const at = random.below(input.length)
    if (input.length > 0) changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8))
    return changed
  },
  ({ input, random }) => {
    const changed = Buffer.from(input)
    if (input.length > 0) changed[random.below(input.length)] = random.below(256)
    return changed
  },
  (change) => {
    const { at, count } = cut(change)
    return splice(change.input, at, count, Buffer.alloc(0))
  },
  ({ input, random, words }) => {
    const word = Buffer.from((random.below(2) === 0 ? random.pick(words) : random.pick(WORDS)) ?? '')
    const at = random.below(input.length + 1)
    return splice(input, at, random.below(2) === 0 ? word.length : 0, word)
  },
  (change) => {
    const { at, count } = cut(change)
    const piece = change.input.subarray(at, at + count)
    const times = change.random.below(8) === 0 ? 1 + change.random.below(500) : 2
    return splice(change.input, at, count, Buffer.concat(Array.from({ length: times }, () => piece)))
  },
  (change) => {
    const { at, count } = cut(change)
    const to = change.random.below(change.input.length + 1)
    return splice(change.input, to, 0, change.input.subarray(at, at + count))
  },
  ({ input, random }) => {
    const width = [1, 2, 4][random.below(3)] ?? 1
    const value = (random.pick(NUMBERS) ?? 0) % 2 ** (8 * width)
    const number = Buffer.alloc(width)
    if (random.below(2) === 0) number.writeUIntLE(value, 0, width)
    else number.writeUIntBE(value, 0, width)
    return splice(input, random.below(input.length + 1), width, number)
  },
  (change) => {
    const { at, count } = cut(change)
    const from = change.random.below(change.other.length + 1)
    const piece = change.other.subarray(from, from + 1 + change.random.below(64))
    return splice(change.input, at, count, piece)
  },
  // A number in text.
  ({ input, random }) => {
    const text = input.toString('latin1')
    const digits = [...text.matchAll(/\d+/g)]
    const found = random.pick(digits)
    if (!found) return input
    const put = random.pick(['0', '1', '-1', '255', '65536', '2147483648', '4294967296', '9007199254740993', '1e9'])
    return Buffer.from(text.slice(0, found.index) + put + text.slice(found.index + found[0].length), 'latin1')
  },
  ({ input, random }) => input.subarray(0, random.below(input.length + 1)),
]

/** One to six changes of what is valid. */
export function mutated(seeds: readonly Buffer[], words: readonly string[], maxBytes: number, random: Random): Buffer {
  let input = random.pick(seeds) ?? Buffer.alloc(0)
  const rounds = 1 + random.below(random.below(3) === 0 ? 6 : 2)
  for (let round = 0; round < rounds; round++) {
    const other = random.pick(seeds) ?? input
    input = random.pick(CHANGES)?.({ input, random, words, other }) ?? input
    if (input.length > maxBytes) input = input.subarray(0, maxBytes)
  }
  return input
}
