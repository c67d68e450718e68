import { setTheme, storedTheme } from './shell/theme.ts'

// Before anything is painted.
setTheme(storedTheme())
