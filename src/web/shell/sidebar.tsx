import { Fragment } from 'preact'
import { session } from '../client/session.ts'
import { useStore } from '../client/store.ts'
import { formatCount } from '../format.ts'
import { IconButton } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { useCurrentShown } from '../parts/use-current-shown.ts'
import { href } from '../router.ts'
import { counts } from './counts.ts'
import { Logo } from './logo.tsx'
import { type Area, NAV, type NavEntry, SETTINGS } from './nav.ts'

export interface SidebarProps {
  readonly area: Area | undefined
  readonly isDark: boolean
  readonly onTheme: () => void
}

export function Sidebar({ area, isDark, onTheme }: SidebarProps) {
  const { areas } = useStore(counts)
  const strip = useCurrentShown<HTMLElement>(area)
  const { halves, s3, account, version } = session()
  const isThere = ({ needs }: NavEntry): boolean => needs === undefined || halves[needs]
  return (
    <nav class="rail" aria-label="Main" ref={strip}>
      <a class="brand" href={href([''])} aria-label="Coffer, overview">
        <Logo />
        <span>Coffer</span>
      </a>
      <div class="place">
        <Icon name="server" />
        <span>
          <b>{account.name}</b>
          <span>{s3 ? `${s3.region} · ${new URL(s3.url).host}` : 'keys'}</span>
        </span>
      </div>
      {NAV.map(({ title, entries }) => {
        const shown = entries.filter(isThere)
        if (shown.length === 0) return null
        return (
          <Fragment key={title ?? ''}>
            {title !== undefined && <div class="nav-group">{title}</div>}
            {shown.map((entry) => (
              <Link key={entry.area} entry={entry} isCurrent={entry.area === area} count={areas[entry.area]} />
            ))}
          </Fragment>
        )
      })}
      <div class="rail-foot">
        <span>v{version}</span>
        <IconButton icon={isDark ? 'sun' : 'moon'} label={isDark ? 'Light theme' : 'Dark theme'} onClick={onTheme} />
        <a class="icon-button" href={SETTINGS.href} aria-label={SETTINGS.title} title={SETTINGS.title}>
          <Icon name="gear" />
        </a>
      </div>
    </nav>
  )
}

interface LinkProps {
  readonly entry: NavEntry
  readonly isCurrent: boolean
  readonly count: number | undefined
}

const Link = ({ entry, isCurrent, count }: LinkProps) => (
  <a class="nav" href={entry.href} aria-current={isCurrent ? 'page' : undefined}>
    <Icon name={entry.icon} />
    {entry.title}
    {count !== undefined && count > 0 && <span class="nav-count">{formatCount(count)}</span>}
  </a>
)
