/**
 * What the tabs of one browser tell each other, so that none takes up, or takes away, an upload that another one is at. Not by
 * locks, which a browser has on secure pages alone.
 */
export interface Tabs {
  /** Those of them that another tab is at. */
  readonly atWork: (ids: readonly string[]) => Promise<ReadonlySet<string>>
  /** This one goes on with it. */
  readonly tell: (id: string) => void
}

export interface Own {
  /** What this tab is at. */
  readonly has: (id: string) => boolean
  /** Another tab goes on with it. */
  readonly onTaken: (id: string) => void
  /** Another tab was closed: what it was at is free. */
  readonly onLeft: () => void
}

type Word =
  | { readonly type: 'who-has'; readonly ids: readonly string[] }
  | { readonly type: 'has'; readonly ids: readonly string[] }
  | { readonly type: 'taken'; readonly id: string }
  | { readonly type: 'left' }

const ANSWER_MS = 400

export function openTabs({ has, onTaken, onLeft }: Own): Tabs {
  const channel = new BroadcastChannel('coffer-uploads')
  const say = (word: Word): void => channel.postMessage(word)
  const answers = new Set<(ids: readonly string[]) => void>()
  channel.addEventListener('message', ({ data: word }: MessageEvent<Word>) => {
    if (word.type === 'who-has') {
      const ids = word.ids.filter(has)
      if (ids.length > 0) say({ type: 'has', ids })
    } else if (word.type === 'has') for (const answer of answers) answer(word.ids)
    else if (word.type === 'taken') onTaken(word.id)
    else onLeft()
  })
  window.addEventListener('pagehide', () => say({ type: 'left' }))
  return {
    atWork: async (ids) => {
      const elsewhere = new Set<string>()
      const answer = (some: readonly string[]): void => {
        for (const id of some) elsewhere.add(id)
      }
      answers.add(answer)
      say({ type: 'who-has', ids })
      await new Promise((resolve) => setTimeout(resolve, ANSWER_MS))
      answers.delete(answer)
      return elsewhere
    },
    tell: (id) => say({ type: 'taken', id }),
  }
}
