import { listJobs } from '../../client/admin.ts'
import { Card } from '../../parts/card.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Seal } from '../../parts/seal.tsx'
import { useLoad } from '../../use-load.ts'
import { JobCard } from './job-card.tsx'
import { ScrubCard } from './scrub-card.tsx'

const EVERY_MS = 2000

export const Page = () => {
  const jobs = useLoad(listJobs, [], { topics: ['jobs'], everyMs: EVERY_MS })
  return (
    <>
      <PageHead title="Jobs" sub="Work that goes on by itself, also after a restart." />
      <div class="stack">
        <Card title="Rewraps" note="Data keys put under another root key, or its newest version, or made anew">
          <Loaded load={jobs} failed="The jobs could not be listed.">
            {(all) =>
              all.length === 0 ? (
                <EmptyState
                  figure={<Seal size={44} />}
                  title="Nothing was rewrapped yet"
                  text="A rewrap begins when a bucket is moved under another root key, and after a rotation."
                />
              ) : (
                <div class="stack">
                  {all.map((job) => (
                    <JobCard key={job.bucket} job={job} />
                  ))}
                </div>
              )
            }
          </Loaded>
        </Card>
        <ScrubCard />
        <CliHint command={'coffer jobs ls\ncoffer scrub status'} />
      </div>
    </>
  )
}
