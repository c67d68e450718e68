import type { ComponentChildren } from 'preact'
import { keyInstances, session } from '../../client/session.ts'
import { createBucketHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { Envelope } from '../../parts/envelope.tsx'
import { Icon } from '../../parts/icon.tsx'
import { PageHeading } from '../../parts/page-head.tsx'
import { href } from '../../router.ts'
import { ConnectClient } from './connect-client.tsx'
import type { Overview } from './read-overview.ts'

export function FirstRun({ overview }: { readonly overview: Overview }) {
  const { halves, s3 } = session()
  return (
    <>
      <div class="hero">
        <div>
          <PageHeading>
            Your store is running.
            <br />
            Nothing in it yet.
          </PageHeading>
          <p class="sub">
            Any S3 client can use it now, with encryption on. Add a root key when you want to hold the seal yourself.
          </p>
          <div class="hero-actions">
            {halves.objects && (
              <Button kind="primary" icon="plus" href={createBucketHref()}>
                Create bucket
              </Button>
            )}
            {halves.keys && (
              <Button icon="key" href={href(['keys'], { create: '' })}>
                Create root key
              </Button>
            )}
          </div>
        </div>
        <div class="hero-picture">
          <Envelope />
        </div>
      </div>
      <div class="columns">
        {halves.keys && <HoldYourOwnKey overview={overview} />}
        {s3 && <ConnectClient />}
      </div>
    </>
  )
}

function HoldYourOwnKey({ overview: { keys, isAuthorized } }: { readonly overview: Overview }) {
  const [instance] = keyInstances()
  return (
    <Card title="Hold your own key" actions={<span class="muted small">about 2 minutes</span>} isFlush>
      <ol class="todo">
        <Step number={1} title="Key provider" isDone={instance !== undefined}>
          {instance ? (
            <>
              The built-in provider <b>{instance.name}</b> is ready.
            </>
          ) : (
            'No Key Protect instance is in this account yet.'
          )}
        </Step>
        <Step
          number={2}
          title="Create a root key"
          isDone={keys.length > 0}
          action={
            <Button isSmall href={href(['keys'], { create: '' })}>
              Create root key
            </Button>
          }
        >
          It wraps data keys and never leaves its provider.
        </Step>
        <Step
          number={3}
          title="Authorize"
          isDone={isAuthorized === true}
          action={
            <Button isSmall href={href(['authorizations'], { create: '' })}>
              Authorize
            </Button>
          }
        >
          Let Object Storage use the root keys
          {instance && (
            <>
              {' '}
              of <b>{instance.name}</b>
            </>
          )}{' '}
          as Reader.
        </Step>
        <Step
          number={4}
          title="Create a protected bucket"
          action={
            <Button isSmall href={createBucketHref()}>
              Create bucket
            </Button>
          }
        >
          Advanced configuration, Add Key Protect Keys.
        </Step>
      </ol>
    </Card>
  )
}

interface StepProps {
  readonly number: number
  readonly title: string
  readonly isDone?: boolean
  readonly action?: ComponentChildren
  readonly children: ComponentChildren
}

const Step = ({ number, title, isDone = false, action, children }: StepProps) => (
  <li class={isDone ? 'done' : ''}>
    <span class="todo-number">{isDone ? <Icon name="check" size="small" /> : number}</span>
    <div>
      <b>{title}</b>
      <p>{children}</p>
    </div>
    {isDone ? (
      <Chip tone="ok" isSmall>
        Done
      </Chip>
    ) : (
      action
    )}
  </li>
)
