export type Theme = 'light' | 'dark'

const KEY = 'coffer-theme'
const prefersDark = window.matchMedia('(prefers-color-scheme: dark)')

/** What was chosen here, or what the machine prefers. */
export function storedTheme(): Theme {
  const chosen = read()
  if (chosen === 'light' || chosen === 'dark') return chosen
  return prefersDark.matches ? 'dark' : 'light'
}

export const currentTheme = (): Theme => (document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light')

export function setTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme
}

export function toggleTheme(): Theme {
  const theme = currentTheme() === 'dark' ? 'light' : 'dark'
  setTheme(theme)
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // Kept for this page alone, where a browser keeps nothing.
  }
  return theme
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}
