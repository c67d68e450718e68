/** What a client did to one thing, and when, as it saw it. */
export interface Deed<State> {
  readonly text: string
  readonly calledAt: number
  /** When the answer came, or when it was known that none would. */
  readonly endedAt: number
  /** The state afterwards; undefined when the answer is impossible in this state. */
  readonly effect: (state: State) => State | undefined
  /** The client never heard whether it took place. */
  readonly unsure: boolean
}

/**
 * Wing and Gong's search: is there an order of the deeds, each between its call and its answer, in which every answer is
 * right? Undefined when there is; otherwise the deeds of the longest order that was found, and those that do not fit.
 */
export function disorder<State>(
  deeds: readonly Deed<State>[],
  { initial, nameOf }: { readonly initial: State; readonly nameOf: (state: State) => string },
): string | undefined {
  const sorted = [...deeds].sort((a, b) => a.calledAt - b.calledAt)
  const seen = new Set<string>()
  const done: boolean[] = sorted.map(() => false)
  const order: string[] = []
  let best: string[] = []
  let left: string[] = []

  const search = (state: State): boolean => {
    const at = `${done.map(Number).join('')} ${nameOf(state)}`
    if (seen.has(at)) return false
    seen.add(at)
    const open = sorted.flatMap((deed, index) => (done[index] ? [] : [{ deed, index }]))
    if (open.every(({ deed }) => deed.unsure)) return true
    const firstEnd = Math.min(...open.map(({ deed }) => deed.endedAt))
    for (const { deed, index } of open) {
      if (deed.calledAt > firstEnd) break
      const after = deed.effect(state)
      const nexts = [...(after ? [after] : []), ...(deed.unsure ? [state] : [])]
      for (const next of nexts) {
        done[index] = true
        order.push(deed.text)
        if (search(next)) return true
        if (order.length > best.length) {
          best = [...order]
          left = open.filter((other) => other.index !== index).map((other) => other.deed.text)
        }
        order.pop()
        done[index] = false
      }
    }
    return false
  }

  if (search(initial)) return undefined
  return `possible so far:\n  ${best.slice(-15).join('\n  ')}\nbut then none of:\n  ${left.slice(0, 12).join('\n  ')}`
}
