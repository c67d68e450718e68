import { type Paint, shown, widthOf } from './paint.ts'

export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => string | number | undefined
  /** Only with --wide. */
  readonly wide?: true
  /** Numbers and sizes. */
  readonly right?: true
  readonly paint?: (text: string, row: Row) => string
}

/** Aligned, with a line of headings; what is in a cell cannot move the cursor. */
export function tableText<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  wide: boolean,
  paint: Paint,
): string {
  const used = columns.filter((column) => wide || column.wide !== true)
  const texts = rows.map((row) => used.map(({ cell }) => shown(String(cell(row) ?? ''))))
  const widths = used.map(({ head }, at) => Math.max(widthOf(head), ...texts.map((cells) => widthOf(cells[at] ?? ''))))
  const line = (cells: readonly string[], painted: (text: string, at: number) => string): string =>
    cells
      .map((text, at) => {
        const fill = ' '.repeat((widths[at] ?? 0) - widthOf(text))
        return used[at]?.right ? `${fill}${painted(text, at)}` : `${painted(text, at)}${fill}`
      })
      .join('  ')
      .trimEnd()
  const heads = line(
    used.map(({ head }) => head),
    (text) => paint.dim(text),
  )
  const body = rows.map((row, index) => line(texts[index] ?? [], (text, at) => used[at]?.paint?.(text, row) ?? text))
  return [heads, ...body].join('\n')
}

/** `name   value`, one a line; what has no value is left out. */
export function factsText(facts: readonly (readonly [string, string | number | undefined])[], paint: Paint): string {
  const said = facts.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(0, ...said.map(([name]) => name.length))
  return said.map(([name, value]) => `${paint.dim(name.padEnd(width))}  ${shown(String(value))}`).join('\n')
}
