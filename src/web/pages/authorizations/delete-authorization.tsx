import { deletePolicy } from '../../client/iam.ts'
import { Icon } from '../../parts/icon.tsx'
import { Note } from '../../parts/note.tsx'
import { toast } from '../../parts/toast.tsx'
import { darknessOf } from '../impact/impact.ts'
import { WhatGoesDark } from '../impact/what-goes-dark.tsx'
import { WhatHappens } from '../impact/what-happens.tsx'
import { WhoNotices } from '../impact/who-notices.tsx'
import { ActionDrawer } from '../key/action-drawer.tsx'
import { type Authorization, titleOf } from './read-authorizations.ts'

export interface DeleteAuthorizationProps {
  readonly authorization: Authorization
  readonly onClose: () => void
}

export function DeleteAuthorization({ authorization, onClose }: DeleteAuthorizationProps) {
  const { policy, source, target, impact } = authorization
  const dark = darknessOf(impact)
  const name = titleOf(authorization)
  return (
    <ActionDrawer
      title={`Delete “${name}”?`}
      sub={`${source.instance ?? 'Every instance'} of ${source.title} will no longer use ${target.instance ?? 'any'} of ${target.title}.`}
      figure={<Icon name="shield" size="large" />}
      {...(dark.buckets.length + dark.hidden > 0 ? { typed: target.instance ?? target.title } : {})}
      command={`coffer authorization rm ${policy.id} --dry-run`}
      note="Creating it again brings everything back."
      keep="Keep it"
      action="Delete authorization"
      kind="destroy"
      failed="The authorization was not deleted."
      onAct={async () => {
        await deletePolicy(policy.id)
        toast(`“${name}” was deleted`)
      }}
      onClose={onClose}
    >
      {impact ? (
        <>
          <WhatGoesDark buckets={dark.buckets} hidden={dark.hidden} nothing="Nothing: no bucket needs it." />
          {dark.buckets.length > 0 && <WhoNotices buckets={dark.buckets} recent={dark.recent} />}
          {impact.kept.length > 0 && (
            <Note tone="ok" icon="check">
              {impact.kept.map(({ bucket }) => bucket).join(', ')} stay readable: another authorization lets them use
              their keys.
            </Note>
          )}
        </>
      ) : (
        <Note tone="warn" icon="alert">
          What depends on it may not be known by you.
        </Note>
      )}
      <WhatHappens
        steps={[
          ['At once', 'New wraps and unwraps are refused; data keys in memory are wiped'],
          ['Then', 'Clients get AccessDenied for objects of these buckets'],
          ['Meanwhile', 'Names and sizes are still listed. Nothing stored is changed'],
        ]}
      />
    </ActionDrawer>
  )
}
