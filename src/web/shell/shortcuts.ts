import { useEffect } from 'preact/hooks'
import { navigate } from '../router.ts'
import { ALL_ENTRIES } from './nav.ts'

export interface Shortcut {
  readonly keys: readonly string[]
  readonly what: string
}

/** All of the console's: those of lists and of objects are heard by their pages. */
export const SHORTCUTS: readonly Shortcut[] = [
  { keys: ['Ctrl K'], what: 'Search and commands (⌘ K on a Mac)' },
  { keys: ['?'], what: 'This help' },
  { keys: ['t'], what: 'Light or dark' },
  ...ALL_ENTRIES.map(({ letter, title }) => ({ keys: ['g', letter], what: `Go to ${title}` })),
  { keys: ['/'], what: 'Filter the list, or type a prefix' },
  { keys: ['j', 'k'], what: 'Next and previous row' },
  { keys: ['Space'], what: 'Select the row' },
  { keys: ['Enter'], what: 'Open the row' },
  { keys: ['u'], what: 'Upload' },
  { keys: ['c'], what: 'Copy the URI' },
  { keys: ['.'], what: 'Actions of the row' },
  { keys: ['Esc'], what: 'Close what is open' },
]

export interface ShortcutActions {
  readonly onCommand: () => void
  readonly onHelp: () => void
  readonly onTheme: () => void
}

const CHORD_MS = 1200

export function useShortcuts(actions: ShortcutActions): void {
  useEffect(() => {
    let chordUntil = 0
    const onKeyDown = (event: KeyboardEvent): void => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        actions.onCommand()
        return
      }
      if (!isPlainKey(event)) return
      const isChord = Date.now() < chordUntil
      chordUntil = 0
      const to = isChord ? ALL_ENTRIES.find(({ letter }) => letter === event.key) : undefined
      if (to) {
        event.preventDefault()
        // Pages hear the same keys.
        event.stopImmediatePropagation()
        navigate(to.href)
      } else if (event.key === 'g') chordUntil = Date.now() + CHORD_MS
      else if (event.key === '?') actions.onHelp()
      else if (event.key === 't') actions.onTheme()
    }
    document.addEventListener('keydown', onKeyDown, { capture: true })
    return () => document.removeEventListener('keydown', onKeyDown, { capture: true })
  }, [])
}

/** A key alone, where nobody is writing and nothing is open over the page. For the keys of pages, too. */
export function isPlainKey(event: KeyboardEvent): boolean {
  if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return false
  if (document.querySelector('dialog[open]')) return false
  const { target } = event
  return !(target instanceof HTMLElement) || (!target.isContentEditable && !target.matches(WRITTEN_IN))
}

const WRITTEN_IN = 'input:not([type=checkbox],[type=radio]),textarea,select'

/** Keys of a page: `{ u: upload, '/': focusPrefix }`. */
export function usePageKeys(keys: Readonly<Record<string, (event: KeyboardEvent) => void>>): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (!isPlainKey(event)) return
      const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined
      if (!act) return
      const isOnControl =
        event.target instanceof Element && event.target.closest('button,a,input,[role=combobox],[role=menu]')
      if (isOnControl && (event.key === 'Enter' || event.key === ' ')) return
      event.preventDefault()
      act(event)
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  })
}
