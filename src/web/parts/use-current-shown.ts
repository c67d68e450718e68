import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/** Of a strip that scrolls sideways where there is little room: what is current stands in its middle. */
export function useCurrentShown<Strip extends HTMLElement>(current: string | undefined): RefObject<Strip | null> {
  const ref = useRef<Strip>(null)
  useLayoutEffect(() => {
    const strip = ref.current
    const one = strip?.querySelector('[aria-current], [aria-selected=true]')?.getBoundingClientRect()
    if (!strip || !one) return
    const { left, width } = strip.getBoundingClientRect()
    strip.scrollLeft += one.left + one.width / 2 - (left + width / 2)
  }, [current])
  return ref
}
