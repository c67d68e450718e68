import { useEffect, useRef, useState } from 'preact/hooks'
import type { Row } from './rows.ts'

/** The chosen rows by their ids. */
export type Chosen = ReadonlyMap<string, Row>

export interface Selection {
  readonly chosen: Chosen
  /** Where the keyboard is; -1: nowhere yet. */
  readonly active: number
  readonly activeRow: () => Row | undefined
  readonly select: (row: Row, isSelected: boolean) => void
  readonly toggleActive: () => void
  readonly selectAll: (isSelected: boolean) => void
  readonly setActive: (index: number) => void
  readonly move: (by: number) => void
  readonly clear: () => void
}

interface State {
  readonly chosen: Chosen
  readonly active: number
}

const NOTHING: State = { chosen: new Map(), active: -1 }

/**
 * Which rows are chosen, and at which one the keyboard is. What is gone from the list is chosen no more: that is looked for
 * when the list is another one, for there may be 10^5 rows, and a key is to be answered in the same frame.
 */
export function useSelection(rows: readonly Row[], where: string, onGone: (count: number) => void): Selection {
  const [, render] = useState(0)
  // Keys may come faster than the page is drawn.
  const state = useRef(NOTHING)
  const latestRows = useRef(rows)
  const gone = useRef(0)
  if (latestRows.current !== rows) {
    const { chosen, active } = state.current
    const at = latestRows.current[active]?.id
    latestRows.current = rows
    const left = chosen.size > 0 ? stillThere(chosen, rows) : chosen
    gone.current += chosen.size - left.size
    const now = at === undefined ? active : rows.findIndex(({ id }) => id === at)
    state.current = { chosen: left, active: now < 0 ? active : now }
  }
  useEffect(() => {
    if (gone.current > 0) onGone(gone.current)
    gone.current = 0
  }, [rows])
  const change = (part: Partial<State>): void => {
    state.current = { ...state.current, ...part }
    render((count) => count + 1)
  }
  // Before the rows of that place come: nothing of the other one is told to be gone.
  useEffect(() => change(NOTHING), [where])
  const select = (row: Row, isSelected: boolean): void => {
    const chosen = new Map(state.current.chosen)
    if (isSelected) chosen.set(row.id, row)
    else chosen.delete(row.id)
    change({ chosen })
  }
  const activeRow = (): Row | undefined => latestRows.current[state.current.active]
  const { chosen, active } = state.current
  return {
    chosen,
    active: Math.min(active, rows.length - 1),
    ...{ activeRow, select },
    toggleActive: () => {
      const row = activeRow()
      if (row) select(row, !state.current.chosen.has(row.id))
    },
    selectAll: (isSelected) => change({ chosen: isSelected ? byId(latestRows.current) : NOTHING.chosen }),
    setActive: (index) => change({ active: index }),
    move: (by) => change({ active: Math.min(latestRows.current.length - 1, Math.max(0, state.current.active + by)) }),
    clear: () => change({ chosen: NOTHING.chosen }),
  }
}

const byId = (rows: readonly Row[]): Chosen => new Map(rows.map((row) => [row.id, row]))

const stillThere = (chosen: Chosen, rows: readonly Row[]): Chosen => byId(rows.filter(({ id }) => chosen.has(id)))
