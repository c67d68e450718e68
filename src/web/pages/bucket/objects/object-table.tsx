import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { Checkbox } from '../../../parts/checkbox.tsx'
import { ObjectRow, type RowActions } from './object-row.tsx'
import type { Row } from './rows.ts'
import type { Chosen } from './use-selection.ts'

export interface ObjectTableProps extends RowActions {
  readonly rows: readonly Row[]
  readonly hasMore: boolean
  readonly selected: Chosen
  readonly active: number
  readonly isCustomerManaged: boolean
  readonly openId: string | undefined
  readonly onSelectAll: (isSelected: boolean) => void
  readonly onNearEnd: () => void
  readonly onSee: (from: number, to: number) => void
}

const ROW_HEIGHT = 48
const HEAD_HEIGHT = 39
const SPARE_ROWS = 12

/** As many rows as are seen, of however many there are: the others are space, of which the frame knows how much there is. */
export function ObjectTable(props: ObjectTableProps) {
  const { rows, hasMore, selected, active, onSelectAll, onNearEnd, onSee } = props
  const frame = useRef<HTMLDivElement>(null)
  const [seen, setSeen] = useState({ from: 0, count: 40 })
  const measure = (): void => {
    const element = frame.current
    if (!element) return
    const from = Math.max(0, Math.floor(element.scrollTop / ROW_HEIGHT) - SPARE_ROWS)
    const count = Math.ceil(element.clientHeight / ROW_HEIGHT) + 2 * SPARE_ROWS
    onSee(from, from + count)
    setSeen((before) => (before.from === from && before.count === count ? before : { from, count }))
    if (element.scrollTop + element.clientHeight > element.scrollHeight - 30 * ROW_HEIGHT) onNearEnd()
  }
  useEffect(() => {
    measure()
    window.addEventListener('resize', measure)
    return () => window.removeEventListener('resize', measure)
  }, [rows])
  useStaying(frame, rows)
  useEffect(() => showRow(frame.current, active), [rows[active]?.id])

  const from = Math.min(seen.from, Math.max(0, rows.length - seen.count))
  const shown = rows.slice(from, from + seen.count)
  const isAll = rows.length > 0 && selected.size === rows.length
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="object-frame" ref={frame} onScroll={measure} role="region" aria-label="Objects" tabIndex={0}>
      <div style={{ height: `${HEAD_HEIGHT + rows.length * ROW_HEIGHT}px` }}>
        <table class="object-table" aria-rowcount={hasMore ? -1 : rows.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              <th class="check">
                <Checkbox
                  label="Select all"
                  isBare
                  isChecked={isAll}
                  isMixed={selected.size > 0 && !isAll}
                  onChange={onSelectAll}
                />
              </th>
              <th scope="col">Name</th>
              <th scope="col" class="number">
                Size
              </th>
              <th scope="col" class="minor">
                Modified
              </th>
              <th scope="col" class="minor">
                Key version
              </th>
              <th scope="col">
                <span class="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            <Space rows={from} />
            {shown.map((row, index) => (
              <ObjectRow
                key={row.id}
                {...props}
                row={row}
                index={from + index}
                isSelected={selected.has(row.id)}
                isActive={from + index === active}
                isOpen={row.id === props.openId}
              />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

/** What somebody looks at stays where it is when something comes or goes above it. At the top, what comes is to be seen. */
function useStaying(frame: RefObject<HTMLDivElement | null>, rows: readonly Row[]): void {
  const before = useRef(rows)
  useLayoutEffect(() => {
    const [was, element] = [before.current, frame.current]
    before.current = rows
    if (!element || was === rows || element.scrollTop === 0) return
    const top = Math.floor(element.scrollTop / ROW_HEIGHT)
    if (was[top]?.id === rows[top]?.id) return
    const looked = was.slice(top, top + SPARE_ROWS)
    const places = new Map(rows.map(({ id }, index) => [id, index]))
    const at = looked.findIndex(({ id }) => places.has(id))
    const now = places.get(looked[at]?.id ?? '')
    if (now !== undefined) element.scrollTop += (now - top - at) * ROW_HEIGHT
  }, [rows])
}

const Space = ({ rows }: { readonly rows: number }) =>
  rows <= 0 ? null : (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: it has nothing in it to focus
    <tr class="space" aria-hidden="true">
      <td colSpan={6} style={{ height: `${rows * ROW_HEIGHT}px` }} />
    </tr>
  )

function showRow(element: HTMLElement | null, index: number): void {
  if (!element || index < 0) return
  const top = index * ROW_HEIGHT
  if (top < element.scrollTop) element.scrollTop = top
  else if (top + ROW_HEIGHT + HEAD_HEIGHT > element.scrollTop + element.clientHeight)
    element.scrollTop = top + ROW_HEIGHT + HEAD_HEIGHT - element.clientHeight
}
