import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'

/** Places of a walk at which the server was killed and was well afterwards. */
export interface VisitedPlaces {
  readonly all: () => ReadonlySet<string>
  readonly add: (place: string) => void
}

/** With a file, a line each, in which they outlast the process: walks go on from it, several at once, too. */
export function visitedPlaces(file?: string): VisitedPlaces {
  if (file === undefined) {
    const places = new Set<string>()
    return { all: () => places, add: (place) => void places.add(place) }
  }
  writeFileSync(file, '', { flag: 'a' })
  return {
    all: () => new Set(readFileSync(file, 'utf8').split('\n')),
    add: (place) => appendFileSync(file, `${place}\n`),
  }
}
