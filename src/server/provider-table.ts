import { parse, stringify } from 'smol-toml'
import { invalidConfig } from './config-error.ts'

const TABLE = 'key-providers'

/** The text with a table for the provider after all that is there. Throws ConfigInvalid where there is one of that name. */
export function withProvider(
  text: string,
  name: string,
  members: Readonly<Record<string, string | number | boolean | readonly string[]>>,
): string {
  if (providersIn(text)[name] !== undefined)
    throw invalidConfig(`the file has a key provider ${name} already: coffer provider rm ${name} takes it away`)
  const gap = text === '' || text.endsWith('\n\n') ? '' : text.endsWith('\n') ? '\n' : '\n\n'
  return `${text}${gap}${stringify({ [TABLE]: { [name]: members } }).trim()}\n`
}

/** The text without the provider's table; nothing else of it is touched. Throws ConfigInvalid where that cannot be done so. */
export function withoutProvider(text: string, name: string): string {
  const { [name]: gone, ...rest } = providersIn(text)
  if (gone === undefined) {
    const known = Object.keys(rest).join(', ') || 'none'
    throw invalidConfig(`the file has no key provider ${name} (it has ${known})`)
  }
  const lines = text.split('\n')
  const isHeader = (line: string): boolean => /^\s*\[/.test(line)
  const first = lines.findIndex((line) => new RegExp(`^\\s*\\[\\s*${TABLE}\\s*\\.\\s*"?${name}"?\\s*\\]`).test(line))
  const length = lines.slice(first + 1).findIndex(isHeader)
  const after =
    first < 0 ? text : [...lines.slice(0, first), ...(length < 0 ? [] : lines.slice(first + 1 + length))].join('\n')
  const wanted = { ...parse(text), [TABLE]: rest }
  if (Object.keys(rest).length === 0) Reflect.deleteProperty(wanted, TABLE)
  if (first < 0 || stringify(parseOrNone(after)) !== stringify(wanted))
    throw invalidConfig(`the key provider ${name} is written in a way that only a person can take out: edit the file`)
  return after.replace(/\n{3,}/g, '\n\n')
}

function providersIn(text: string): Readonly<Record<string, unknown>> {
  let found: unknown
  try {
    found = parse(text)[TABLE]
  } catch {
    // The parser's message quotes the file, which may hold secrets.
    throw invalidConfig('the file is not TOML: coffer config validate says where')
  }
  return typeof found === 'object' && found !== null ? { ...found } : {}
}

function parseOrNone(text: string) {
  try {
    return parse(text)
  } catch {
    return {}
  }
}
