import { type ActivityEntry, whoOf } from '../../client/activity.ts'
import { formatExact } from '../../format.ts'
import { Copy } from '../../parts/copy.tsx'
import { Details } from '../../parts/details.tsx'
import { Drawer } from '../../parts/drawer.tsx'
import { Note } from '../../parts/note.tsx'

/** One line of the log, with all that it says. */
export function EntryDrawer({ entry, onClose }: { readonly entry: ActivityEntry; readonly onClose: () => void }) {
  const { said, outcome, code, reason } = entry
  const isDone = outcome === 'success'
  return (
    <Drawer title={`${whoOf(entry)} ${said.did}`} sub={formatExact(entry.time)} onClose={onClose}>
      <Note tone={isDone ? 'ok' : 'bad'} icon={isDone ? 'check' : 'alert'}>
        <b>{isDone ? 'It was done.' : `It was refused or failed: ${code ?? 'no code'}.`}</b>{' '}
        {reason === undefined ? '' : `Decided by: ${reason}.`}
      </Note>
      <Details
        items={factsOf(entry).map(([term, value]) => [
          term,
          <span key={term} class="row end-row">
            <code class="breaks">{value}</code>
            <Copy text={value} label={`Copy ${term.toLowerCase()}`} />
          </span>,
        ])}
      />
    </Drawer>
  )
}

const factsOf = (entry: ActivityEntry): readonly (readonly [string, string])[] => {
  const { seq, action, why, iamId, target, object, key, keyVersion, use, requestId, sourceIp } = entry
  const all: readonly (readonly [string, string | undefined])[] = [
    ['Number', String(seq)],
    ['Action', action],
    ['Reason given', why],
    ['Identity', iamId],
    ['Target', target],
    ['Object', object],
    ['Root key', key],
    ['Key version', keyVersion],
    ['Use', use],
    ['From', sourceIp],
    ['Request', requestId],
  ]
  return all.flatMap(([term, value]) => (value === undefined ? [] : [[term, value] as const]))
}
