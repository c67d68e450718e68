export interface Tile {
  readonly left: string
  readonly top: string
  readonly width: string
  readonly height: string
}

/** No tile is too small to be read. */
const LEAST_SHARE = 0.18

/**
 * Where each of the weights (the largest first) stands in a rectangle, in percent: the first takes its share of the width,
 * the others go on in what is left, down and across in turn.
 */
export function treemap(weights: readonly number[]): readonly Tile[] {
  const tiles: Tile[] = []
  let [left, top, width, height] = [0, 0, 100, 100]
  for (const [index, weight] of weights.entries()) {
    const rest = weights.slice(index)
    const share = shareOf(weight, rest)
    const isAcross = index % 2 === 0
    const [w, h] = isAcross ? [width * share, height] : [width, height * share]
    tiles.push({ left: `${left}%`, top: `${top}%`, width: `${w}%`, height: `${h}%` })
    if (isAcross) {
      left += w
      width -= w
    } else {
      top += h
      height -= h
    }
  }
  return tiles
}

function shareOf(weight: number, rest: readonly number[]): number {
  if (rest.length === 1) return 1
  const sum = rest.reduce((total, one) => total + one, 0)
  const least = Math.min(LEAST_SHARE * (rest.length <= 3 ? 1.6 : 1), 1 / rest.length)
  const most = rest.length === 2 ? 1 - least : 1 - LEAST_SHARE * (rest.length - 1)
  return Math.max(least, Math.min(Math.max(most, 1 / rest.length), sum === 0 ? 1 / rest.length : weight / sum))
}
