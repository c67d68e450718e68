import { connection } from '../client/connection.ts'
import { session } from '../client/session.ts'
import { signOut } from '../client/sign-in.ts'
import { useStore } from '../client/store.ts'
import { counted } from '../format.ts'
import { classes } from '../parts/class-names.ts'
import { Icon } from '../parts/icon.tsx'
import { Menu } from '../parts/menu.tsx'
import { told } from '../parts/toast.tsx'
import { href } from '../router.ts'
import { counts } from './counts.ts'

export interface Crumb {
  readonly title: string
  readonly href?: string
}

export interface TopbarProps {
  readonly crumbs: readonly Crumb[]
  readonly onSearch: () => void
  readonly onTheme: () => void
  readonly onHelp: () => void
}

export const Topbar = ({ crumbs, onSearch, onTheme, onHelp }: TopbarProps) => (
  <header class="top">
    <nav aria-label="Breadcrumb" class="ellipsis">
      <ol class="crumbs">
        {crumbs.map(({ title, href: to }, index) => (
          <li key={`${index} ${title}`} aria-current={index === crumbs.length - 1 ? 'page' : undefined}>
            {to === undefined || index === crumbs.length - 1 ? title : <a href={to}>{title}</a>}
          </li>
        ))}
      </ol>
    </nav>
    <button type="button" class="search-button" onClick={onSearch}>
      <Icon name="search" size="small" />
      <span>Search buckets, objects, keys…</span>
      <kbd>{MODIFIER}K</kbd>
    </button>
    <Status />
    <UserMenu onTheme={onTheme} onHelp={onHelp} />
  </header>
)

const MODIFIER = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl '

function Status() {
  const { disabledKeys, problems } = useStore(counts)
  const { isReachable } = useStore(connection)
  const isWell = isReachable && disabledKeys === 0 && problems.length === 0
  const to = !isReachable || problems.length > 0 ? href(['settings']) : href(['keys'], { state: 'disabled' })
  const text = !isReachable
    ? 'No answer'
    : problems.length > 0
      ? counted(problems.length, 'problem')
      : isWell
        ? 'Healthy'
        : `${counted(disabledKeys, 'key')} disabled`
  return (
    <a class={classes('status', !isWell && 'warn')} href={isWell ? href(['']) : to} title={problems.join('\n')}>
      <span class="dot" />
      <span class="status-text">{text}</span>
    </a>
  )
}

function UserMenu({ onTheme, onHelp }: Pick<TopbarProps, 'onTheme' | 'onHelp'>) {
  const { user, account, signedInBy, accessKeyId, sso } = session()
  const name = user.name || user.iamId
  return (
    <Menu
      label={`${initialsOf(name)}, signed in as ${name}`}
      buttonClass="avatar"
      head={
        <>
          <b>{name}</b>
          <div class="muted small">{user.email || user.arn || user.iamId}</div>
          <div class="muted small">
            {account.name} ·{' '}
            {signedInBy === 'access-key' ? accessKeyId : signedInBy === 'oidc' ? (sso ?? 'SSO') : 'API key'}
          </div>
        </>
      }
      items={[
        { label: 'Switch theme', icon: 'moon', onSelect: onTheme },
        { label: 'Keyboard shortcuts', icon: 'keyboard', onSelect: onHelp },
        'separator',
        { label: 'Sign out', icon: 'signOut', onSelect: () => void told(signOut()) },
      ]}
    >
      {initialsOf(name)}
    </Menu>
  )
}

function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/).filter((word) => word !== '')
  return ((words[0]?.[0] ?? '?') + (words[1]?.[0] ?? words[0]?.[1] ?? '')).toUpperCase()
}
