import { useEffect, useRef, useState } from 'preact/hooks'
import type { Row } from './rows.ts'

export interface Selection {
  readonly ids: ReadonlySet<string>
  /** Where the keyboard is; -1: nowhere yet. */
  readonly active: number
  readonly rows: readonly Row[]
  readonly activeRow: () => Row | undefined
  readonly select: (row: Row, isSelected: boolean) => void
  readonly toggleActive: () => void
  readonly selectAll: (isSelected: boolean) => void
  readonly setActive: (index: number) => void
  readonly move: (by: number) => void
  readonly clear: () => void
}

interface State {
  readonly ids: ReadonlySet<string>
  readonly active: number
}

const NOTHING: State = { ids: new Set(), active: -1 }

/** Which rows are chosen, and at which one the keyboard is. What is gone from the list is chosen no more. */
export function useSelection(rows: readonly Row[], where: string): Selection {
  const [, render] = useState(0)
  // Keys may come faster than the page is drawn.
  const state = useRef(NOTHING)
  const latestRows = useRef(rows)
  latestRows.current = rows
  const change = (part: Partial<State>): void => {
    state.current = { ...state.current, ...part }
    render((count) => count + 1)
  }
  useEffect(() => change(NOTHING), [where])
  const select = (row: Row, isSelected: boolean): void => {
    const ids = new Set(state.current.ids)
    if (isSelected) ids.add(row.id)
    else ids.delete(row.id)
    change({ ids })
  }
  const activeRow = (): Row | undefined => latestRows.current[state.current.active]
  const { ids, active } = state.current
  const chosen = ids.size === 0 ? [] : rows.filter(({ id }) => ids.has(id))
  return {
    ids: chosen.length === ids.size ? ids : new Set(chosen.map(({ id }) => id)),
    active: Math.min(active, rows.length - 1),
    rows: chosen,
    ...{ activeRow, select },
    toggleActive: () => {
      const row = activeRow()
      if (row) select(row, !state.current.ids.has(row.id))
    },
    selectAll: (isSelected) => change({ ids: new Set(isSelected ? latestRows.current.map(({ id }) => id) : []) }),
    setActive: (index) => change({ active: index }),
    move: (by) => change({ active: Math.min(latestRows.current.length - 1, Math.max(0, state.current.active + by)) }),
    clear: () => change({ ids: new Set() }),
  }
}
