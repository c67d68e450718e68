import { useEffect } from 'preact/hooks'
import { sessionState } from '../client/session.ts'
import { useStore } from '../client/store.ts'
import { SignIn } from '../pages/sign-in/sign-in.tsx'
import { Button } from '../parts/button.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { Icon } from '../parts/icon.tsx'
import { Toasts } from '../parts/toast.tsx'
import { wasElsewhere } from './lazy-page.tsx'
import { SessionExpired } from './session-expired.tsx'
import { Shell } from './shell.tsx'

export interface AppProps {
  /** Not even who is signed in could be asked. */
  readonly isUnreachable?: boolean
}

export function App({ isUnreachable = false }: AppProps) {
  const { status } = useStore(sessionState)
  useEffect(() => {
    if (status !== 'signed-out') return
    document.title = 'Sign in · Coffer'
    wasElsewhere()
  }, [status])
  if (status === 'unknown') return isUnreachable ? <Unreachable /> : null
  return (
    <>
      {status === 'signed-out' ? <SignIn /> : <Shell />}
      {status === 'expired' && <SessionExpired />}
      <Toasts />
    </>
  )
}

const Unreachable = () => (
  <main>
    <EmptyState
      figure={<Icon name="server" size="large" />}
      title="The server cannot be reached"
      text="It may be starting or stopping. Nothing is lost."
      action={
        <Button icon="rotate" onClick={() => window.location.reload()}>
          Try again
        </Button>
      }
    />
  </main>
)
