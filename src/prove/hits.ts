import type { Spelling } from './canaries.ts'
import type { Findings } from './findings.ts'
import type { Hit } from './search.ts'

/** Where a canary stood. Only the content is to be secret: what is in clear by design is told apart, and is found all the same. */
export type HitPlace =
  | 'the bytes of the file'
  | 'the name of the file'
  | 'the name of the directory'
  | 'the key of a row'
  | 'the value of a row'

interface HitCount {
  readonly canary: string
  readonly spelling: Spelling
  readonly file: string
  readonly place: HitPlace
  readonly firstAt: string
  count: number
}

/** Each canary once for each file, place and spelling. */
export interface Hits {
  readonly add: (hit: Pick<Hit, 'canary' | 'spelling'>, file: string, place: HitPlace, at: string) => void
  readonly end: (findings: Findings, inClear: (file: string) => boolean) => readonly object[]
}

export function newHits(): Hits {
  const counts = new Map<string, HitCount>()
  return {
    add: ({ canary, spelling }, file, place, firstAt) => {
      const id = JSON.stringify([canary, spelling, file, place])
      const known = counts.get(id) ?? { canary, spelling, file, place, firstAt, count: 0 }
      known.count++
      counts.set(id, known)
    },
    end: (findings, inClear) =>
      [...counts.values()].map((hit) => {
        const { canary, spelling, file, place, firstAt, count } = hit
        const byDesign = place === 'the key of a row' || inClear(file)
        const times = count === 1 ? '' : `, ${count} times`
        const told = byDesign ? ', which is in clear by design' : ''
        findings.problem(`${file} ${firstAt}`, `${canary} (${spelling}) in ${place}${told}${times}`)
        return { ...hit, inClearByDesign: byDesign }
      }),
  }
}
