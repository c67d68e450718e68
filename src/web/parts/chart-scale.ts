/** Of all pictures over time: what they measure in, and where their lines are. */
export const WIDTH = 510
export const HEIGHT = 168
export const LEFT = 2
export const RIGHT = 450
export const TOP = 12
export const BOTTOM = 146

/** 1.5, 3, 6, 9 and their tens: thirds of them are easy to read. */
export function niceTop(most: number): number {
  if (most <= 0) return 3
  const tens = 10 ** Math.floor(Math.log10(most))
  return ([1.5, 3, 6, 9, 15].find((factor) => factor * tens >= most) ?? 15) * tens
}
