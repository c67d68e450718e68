/** Strings, and what has a meaning between them. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/** Does an object in this JSON (which parses) have two members of one name? Who reads it would see but one. */
export function hasDuplicateMembers(text: string): boolean {
  /** Names so far of each object that is open; undefined for a list. */
  const open: (Set<unknown> | undefined)[] = []
  let last = ''
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(token === '{' ? new Set() : undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const names = open.at(-1)
      // Escapes may write one name in two ways.
      const name: unknown = JSON.parse(last)
      if (names?.has(name)) return true
      names?.add(name)
    }
    last = token
  }
  return false
}
