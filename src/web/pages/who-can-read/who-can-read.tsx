import { session } from '../../client/session.ts'
import { whoCanRead } from '../../client/who-can-read.ts'
import { counted } from '../../format.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Note } from '../../parts/note.tsx'
import { useLoad } from '../../use-load.ts'
import { storageName } from '../../use-rights.ts'
import { Chain, inOrder } from './chain.tsx'
import { ReaderTable } from './reader-table.tsx'
import { refusalWords } from './words.ts'

export interface WhoCanReadViewProps {
  readonly bucket: string
  /** Everybody of the account, in a table under the chain. */
  readonly hasTable?: boolean
}

export function WhoCanReadView({ bucket, hasTable = false }: WhoCanReadViewProps) {
  const load = useLoad((signal) => whoCanRead(bucket, signal), [bucket], { topics: ['access', 'keys', 'buckets'] })
  return (
    <Loaded
      load={load}
      failed={`Who can read ${bucket} could not be found out.`}
      needs={`Manager on ${storageName()}, and Viewer on ${session().account.name}`}
    >
      {(found) => {
        const readers = inOrder(found)
        const broken = found.rootKeys.filter(({ opens }) => !opens)
        const can = readers.filter(({ reads }) => reads !== 'none').length
        return (
          <div class="stack">
            {broken.map((key) => (
              <Note key={key.crn} tone="bad" icon="lock">
                <b>{refusalWords(key)}:</b> what lies under it can be read by nobody, whatever their rights.
              </Note>
            ))}
            <Chain found={found} />
            <p class="muted small">
              {counted(can, 'identity', 'identities')} of {found.total} may read {bucket}; services and strangers are
              named where they can.
            </p>
            {hasTable && <ReaderTable readers={readers} />}
          </div>
        )
      }}
    </Loaded>
  )
}
