const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/** JSON in which no object has two members of one name: readers differ in which one they believe. Throws SyntaxError. */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  // Of what is well-formed, a string before a colon is a name.
  const names: Set<string>[] = []
  let last = ''
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') names.push(new Set())
    if (token === '}') names.pop()
    if (token === ':') {
      const name = String(JSON.parse(last))
      const known = names.at(-1)
      if (known?.has(name)) throw new SyntaxError('a member is given twice')
      known?.add(name)
    }
    last = token
  }
  return value
}
