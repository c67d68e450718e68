import { useEffect, useState } from 'preact/hooks'
import { PAGES } from '../pages/index.ts'
import { NotFound } from '../pages/not-found.tsx'
import { announce } from '../parts/toast.tsx'
import { matchPath, usePlace } from '../router.ts'
import { TrayHost } from '../uploads/tray-host.tsx'
import { CommandMenu } from './command-menu.tsx'
import { ConnectionNotes } from './connection-notes.tsx'
import { followCounts } from './counts.ts'
import { Help } from './help.tsx'
import { LazyPage } from './lazy-page.tsx'
import { useShortcuts } from './shortcuts.ts'
import { Sidebar } from './sidebar.tsx'
import { currentTheme, toggleTheme } from './theme.ts'
import { Topbar } from './topbar.tsx'

export function Shell() {
  const { path } = usePlace()
  const [open, setOpen] = useState<'command' | 'help' | undefined>()
  const [isDark, setDark] = useState(currentTheme() === 'dark')
  const onTheme = (): void => setDark(toggleTheme() === 'dark')
  useShortcuts({ onTheme, onCommand: () => setOpen('command'), onHelp: () => setOpen('help') })
  useEffect(followCounts, [])

  const found = pageAt(path)
  const title = found ? found.page.title(found.params) : 'Not found'
  const crumbs = found?.page.crumbs?.(found.params) ?? [{ title }]
  const pageName = found ? JSON.stringify([found.page.id, found.page.sameWhen?.(found.params) ?? found.params]) : path
  useEffect(() => {
    document.title = `${title} · Coffer`
    announce(title)
  }, [title])

  return (
    <>
      <a class="skip-link" href="#main">
        Skip to content
      </a>
      <div class="app">
        <Sidebar area={found?.page.area} isDark={isDark} onTheme={onTheme} />
        <div>
          <Topbar
            crumbs={crumbs}
            onTheme={onTheme}
            onSearch={() => setOpen('command')}
            onHelp={() => setOpen('help')}
          />
          <main id="main" class="content" tabIndex={-1}>
            <ConnectionNotes />
            {found ? <LazyPage key={pageName} page={found.page} params={found.params} /> : <NotFound />}
          </main>
        </div>
      </div>
      <TrayHost />
      {open === 'command' && <CommandMenu onClose={() => setOpen(undefined)} onTheme={onTheme} />}
      {open === 'help' && <Help onClose={() => setOpen(undefined)} />}
    </>
  )
}

function pageAt(path: string) {
  for (const page of PAGES) {
    const params = matchPath(page.pattern, path)
    if (params) return { page, params }
  }
  return undefined
}
