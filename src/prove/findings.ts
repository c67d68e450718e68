/** `problem`: the directory is not what it should be. `note`: to be known, and explained by the formats. */
export interface Finding {
  readonly severity: 'problem' | 'note'
  /** Relative to the directory; a place in it behind `@`. */
  readonly where: string
  readonly what: string
}

const MAX_LISTED = 1000

export interface Findings {
  readonly problem: (where: string, what: string) => void
  readonly note: (where: string, what: string) => void
  readonly counts: () => { readonly problems: number; readonly notes: number }
  /** The first ones; `counts` counts all. */
  readonly listed: () => readonly Finding[]
}

export function newFindings(): Findings {
  const listed: Finding[] = []
  const counts = { problem: 0, note: 0 }
  const add =
    (severity: Finding['severity']) =>
    (where: string, what: string): void => {
      counts[severity]++
      // A flood of notes is not to hide a problem.
      if (listed.filter((one) => one.severity === severity).length < MAX_LISTED) listed.push({ severity, where, what })
    }
  return {
    problem: add('problem'),
    note: add('note'),
    counts: () => ({ problems: counts.problem, notes: counts.note }),
    listed: () => listed,
  }
}
