/** What a write may have changed: whoever shows it reads it again. */
export type Topic = 'buckets' | 'objects' | 'keys' | 'access' | 'jobs'

const listeners = new Set<(topics: readonly Topic[]) => void>()

export function announceChange(...topics: readonly Topic[]): void {
  for (const listener of [...listeners]) listener(topics)
}

export function onChange(topics: readonly Topic[], listener: () => void): () => void {
  const heed = (changed: readonly Topic[]): void => {
    if (changed.some((topic) => topics.includes(topic))) listener()
  }
  listeners.add(heed)
  return () => listeners.delete(heed)
}
