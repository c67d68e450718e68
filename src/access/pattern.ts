/** A piece of a pattern: literal text, `*`, `?`, or the value of a condition key. */
type Piece =
  | { readonly literal: string }
  | { readonly wildcard: '*' | '?' }
  | { readonly variable: string; readonly fallback: string | undefined }

/** Text in a policy, with wildcards and policy variables. */
export interface Pattern {
  readonly source: string
  readonly pieces: readonly Piece[]
}

/** The one value of a condition key (lower case); undefined when there is none, or more than one. */
export type Lookup = (key: string) => string | undefined

export interface PatternSyntax {
  readonly wildcards: boolean
  /** Policies before 2012-10-17 have none: `${` means itself. */
  readonly variables: boolean
}

const VARIABLE = /\$\{([^{}]*)\}/y
const DEFAULTED = /^\s*([^,\s]+)\s*(?:,\s*'([^']*)'\s*)?$/

export function parsePattern(source: string, { wildcards, variables }: PatternSyntax): Pattern {
  const pieces: Piece[] = []
  let literal = ''
  const flush = (): void => {
    if (literal !== '') pieces.push({ literal })
    literal = ''
  }
  for (let at = 0; at < source.length; ) {
    const character = source.charAt(at)
    if (wildcards && (character === '*' || character === '?')) {
      flush()
      pieces.push({ wildcard: character })
      at += 1
      continue
    }
    const inside = variables && character === '$' ? variableAt(source, at) : undefined
    if (inside === undefined) {
      literal += character
      at += 1
      continue
    }
    at += inside.length + 3
    // ${*}, ${?} and ${$}: the characters themselves.
    if (/^[*?$]$/.test(inside)) literal += inside
    else {
      flush()
      const [, name = inside, fallback] = DEFAULTED.exec(inside) ?? []
      pieces.push({ variable: name.toLowerCase(), fallback })
    }
  }
  flush()
  return { source, pieces }
}

function variableAt(source: string, at: number): string | undefined {
  VARIABLE.lastIndex = at
  return VARIABLE.exec(source)?.[1]
}

/** Names of the condition keys that the pattern takes values of. */
export const variablesOf = ({ pieces }: Pattern): string[] =>
  pieces.flatMap((piece) => ('variable' in piece ? [piece.variable] : []))

/** Says one thing only, whoever asks. */
export const isFixed = ({ pieces }: Pattern): boolean => pieces.every((piece) => 'literal' in piece)

/** Undefined when a variable has no value: such text is equal to nothing. */
export function expand({ pieces }: Pattern, lookup: Lookup): string | undefined {
  let text = ''
  for (const piece of pieces) {
    const part =
      'literal' in piece ? piece.literal : 'wildcard' in piece ? piece.wildcard : valueOrFallback(piece, lookup)
    if (part === undefined) return undefined
    text += part
  }
  return text
}

/** What a variable stands for is taken literally, wildcards and all. Undefined when a variable has no value. */
export function matches(
  { pieces }: Pattern,
  text: string,
  lookup: Lookup,
  options: { readonly ignoreCase?: boolean } = {},
): boolean | undefined {
  const tokens: Token[] = []
  for (const piece of pieces) {
    if ('wildcard' in piece) {
      tokens.push(piece.wildcard === '*' ? ANY : ONE)
      continue
    }
    const literal = 'literal' in piece ? piece.literal : valueOrFallback(piece, lookup)
    if (literal === undefined) return undefined
    tokens.push(...(options.ignoreCase ? literal.toLowerCase() : literal))
  }
  return matchTokens(tokens, [...(options.ignoreCase ? text.toLowerCase() : text)])
}

const valueOrFallback = (
  { variable, fallback }: { readonly variable: string; readonly fallback: string | undefined },
  lookup: Lookup,
): string | undefined => lookup(variable) ?? fallback

const ANY = Symbol('*')
const ONE = Symbol('?')
type Token = string | typeof ANY | typeof ONE

/** Greedy, with one step back to the latest `*`: never more than pattern × text steps. */
function matchTokens(tokens: readonly Token[], text: readonly string[]): boolean {
  let token = 0
  let star = -1
  let resume = 0
  for (let at = 0; at < text.length; ) {
    const expected = tokens[token]
    if (expected === ANY) {
      star = token
      token += 1
      resume = at
    } else if (expected !== undefined && (expected === ONE || expected === text[at])) {
      token += 1
      at += 1
    } else if (star >= 0) {
      token = star + 1
      resume += 1
      at = resume
    } else return false
  }
  while (tokens[token] === ANY) token += 1
  return token === tokens.length
}
