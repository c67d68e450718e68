import { authorizationFor } from '../../client/authorizations.ts'
import type { Policy } from '../../client/iam.ts'
import type { RootKey } from '../../client/key-protect.ts'
import type { Instance } from '../../client/session.ts'
import { formatAgo } from '../../format.ts'
import { authorizeHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Note } from '../../parts/note.tsx'
import { href } from '../../router.ts'

export interface AuthorizationRowProps {
  readonly source: Instance
  readonly target: Instance
  readonly rootKey: RootKey | undefined
  /** Undefined: whoever is signed in may not see them. */
  readonly policies: readonly Policy[] | undefined
  readonly back: string
}

/** Whether the one instance may use the keys of the other. */
export function AuthorizationRow({ source, target, rootKey, policies, back }: AuthorizationRowProps) {
  if (!policies) {
    return (
      <Note icon="shield">
        Whether {source.name} may use {target.name} cannot be shown: you may not see authorizations. If none exists,
        creating the bucket is refused.
      </Note>
    )
  }
  const found = authorizationFor(policies, { source: source.guid, target: target.guid, key: rootKey })
  if (found) {
    return (
      <Note
        tone="ok"
        icon="check"
        isLive
        actions={
          <a class="small nowrap" href={href(['authorizations'])}>
            View authorization
          </a>
        }
      >
        <b>
          {source.name} may use {target.name}.
        </b>{' '}
        Authorization “Object Storage → Key Protect, {roleOf(found)}”
        {found.created_at === undefined ? '' : ` was created ${formatAgo(found.created_at)}`}.
      </Note>
    )
  }
  return (
    <Note
      tone="warn"
      icon="alert"
      isLive
      actions={
        <Button isSmall kind="primary" href={authorizeHref({ source: source.guid, target: target.guid }, back)}>
          Create authorization
        </Button>
      }
    >
      <b>No authorization yet.</b> {source.name} may not use {rootKey ? 'this key' : 'the keys'} of {target.name}. What
      you have filled in is kept.
    </Note>
  )
}

const roleOf = ({ roles }: Policy): string =>
  roles.map(({ display_name, role_id }) => display_name ?? role_id.slice(role_id.lastIndexOf(':') + 1)).join(', ')
