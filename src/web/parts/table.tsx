import type { ComponentChildren } from 'preact'
import { classes } from './class-names.ts'

export interface Column<Row> {
  readonly id: string
  readonly title: ComponentChildren
  /** Numbers stand right, in figures of one width. */
  readonly isNumber?: boolean
  /** Left out where there is no room: below 980 px. */
  readonly isMinor?: boolean
  /** The title is read out and not shown. */
  readonly isUntitled?: boolean
  /** A click on the title sorts by it. */
  readonly sortKey?: (row: Row) => string | number
  readonly cell: (row: Row) => ComponentChildren
}

export interface Sorting {
  readonly column: string
  readonly isDescending: boolean
}

export interface TableProps<Row> {
  /** What is listed, for those who do not see it. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly isSelected?: (row: Row) => boolean
  readonly sorting?: Sorting
  /** Of the sorted rows, so many are shown. */
  readonly limit?: number
  readonly onSort?: (sorting: Sorting) => void
  readonly onRowClick?: (row: Row, event: MouseEvent) => void
}

export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, rows, keyOf, isSelected, sorting, limit, onSort, onRowClick } = props
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="table-frame" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                class={classes(column.isNumber && 'number', column.isMinor && 'minor')}
                aria-sort={sortOf(column.id, sorting)}
              >
                {titleOf(column, sorting, onSort)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted(rows, columns, sorting)
            .slice(0, limit)
            .map((row) => (
              <tr
                key={keyOf(row)}
                class={classes(isSelected?.(row) && 'selected', onRowClick && 'clickable')}
                onClick={(event) => {
                  const isOnControl = event.target instanceof Element && event.target.closest('a,button,input,label')
                  if (onRowClick && !isOnControl) onRowClick(row, event)
                }}
              >
                {columns.map((column) => (
                  <td key={column.id} class={classes(column.isNumber && 'number', column.isMinor && 'minor')}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  )
}

function titleOf<Row>(column: Column<Row>, sorting: Sorting | undefined, onSort: TableProps<Row>['onSort']) {
  if (column.isUntitled) return <span class="sr-only">{column.title}</span>
  if (!column.sortKey || !onSort) return column.title
  const isThis = sorting?.column === column.id
  return (
    <button
      type="button"
      class="sort-button"
      onClick={() => onSort({ column: column.id, isDescending: isThis ? !sorting.isDescending : false })}
    >
      {column.title}
      <span class="sort-mark" aria-hidden="true">
        {isThis ? (sorting.isDescending ? '↓' : '↑') : ''}
      </span>
    </button>
  )
}

const sortOf = (column: string, sorting: Sorting | undefined) =>
  sorting?.column === column ? (sorting.isDescending ? 'descending' : 'ascending') : undefined

/** In the order in which they are shown. */
export function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sorting: Sorting | undefined,
): readonly Row[] {
  const sortKey = columns.find(({ id }) => id === sorting?.column)?.sortKey
  if (!sortKey || !sorting) return rows
  const sign = sorting.isDescending ? -1 : 1
  return [...rows].sort((a, b) => sign * compare(sortKey(a), sortKey(b)))
}

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0)
