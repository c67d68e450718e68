interface ChartGridProps {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly y: (value: number) => number
  readonly format: (value: number) => string
}

/** The lines of a chart at nothing, a third, two thirds and its top, and what they stand for. */
export const ChartGrid = ({ left, right, top, y, format }: ChartGridProps) => (
  <>
    {[0, 1 / 3, 2 / 3, 1].map((share) => (
      <g key={share}>
        <line class="grid-line" x1={left} x2={right} y1={y(share * top)} y2={y(share * top)} />
        <text class="axis" x={right + 8} y={y(share * top) + 4}>
          {format(share * top)}
        </text>
      </g>
    ))}
  </>
)
