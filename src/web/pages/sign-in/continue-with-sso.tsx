import { sessionState, ssoName } from '../../client/session.ts'
import { ssoLink } from '../../client/sign-in.ts'
import { useStore } from '../../client/store.ts'
import { Button } from '../../parts/button.tsx'
import { Note } from '../../parts/note.tsx'
import { usePlace } from '../../router.ts'

export interface ContinueWithSsoProps {
  /** Else it is over a page whose work is kept: the identity provider gets a window of its own. */
  readonly isPage: boolean
}

const FAILURES: Readonly<Record<string, string>> = {
  unreachable: 'The identity provider does not answer. Try again in a moment.',
  denied: 'The identity provider did not let you in.',
  again: 'That sign-in took too long, or was begun in another window. Try again.',
  refused: 'What the identity provider said of you could not be verified. The server’s log says why.',
  nobody: 'The identity provider knows you, but no user here is you. An administrator can invite you.',
}

/** Only where there is an identity provider to sign in with. */
export function ContinueWithSso({ isPage }: ContinueWithSsoProps) {
  const { path, query } = usePlace()
  const state = useStore(sessionState)
  const name = ssoName()
  if (name === undefined) return null
  const failure = FAILURES[query.get('sso') ?? '']
  const page = new URLSearchParams(query)
  page.delete('sso')
  const to = `/ui${path}${page.size === 0 ? '' : `?${page}`}`
  return (
    <>
      {isPage && failure !== undefined && (
        <Note tone="bad" icon="alert" isLive>
          {failure}
        </Note>
      )}
      {isPage && 'endsAt' in state && state.endsAt !== undefined && (
        <Note
          icon="signOut"
          isLive
          actions={
            <Button isSmall href={state.endsAt} leaves="here">
              Sign out there
            </Button>
          }
        >
          <b>You are signed out here.</b> At {name} you may still be signed in.
        </Note>
      )}
      <Button href={ssoLink(isPage ? to : '/ui/')} leaves={isPage ? 'here' : 'new-window'}>
        Continue with {name}
      </Button>
      <p class="muted small">or with a key:</p>
    </>
  )
}
