import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { readHealth } from '../../client/health.ts'
import { type Instance, session } from '../../client/session.ts'
import { signOut } from '../../client/sign-in.ts'
import { formatAgo } from '../../format.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { Copy } from '../../parts/copy.tsx'
import { Details } from '../../parts/details.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Note } from '../../parts/note.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { told } from '../../parts/toast.tsx'
import { href } from '../../router.ts'
import { currentTheme, setTheme, type Theme, toggleTheme } from '../../shell/theme.ts'
import { useLoad } from '../../use-load.ts'
import { ServerCards } from './server-cards.tsx'

const EVERY_MS = 30_000

export function Page() {
  const { s3, user, account, signedInBy, sso, accessKeyId, expiresAt, idleMinutes, version, halves, instances } =
    session()
  const health = useLoad(readHealth, [], { everyMs: EVERY_MS })
  const isTls = window.location.protocol === 'https:'
  return (
    <>
      <PageHead title="Settings" sub="Where this server is reached, how it is, and who you are here." />
      <div class="stack">
        <div class="columns">
          <div class="stack">
            <Card title="Endpoints">
              <Details
                items={[
                  ...(s3
                    ? ([
                        ['S3', <Address key="s3" text={s3.url} />],
                        ['Region', s3.region],
                      ] as const)
                    : []),
                  ['Key Protect, IAM, console', <Address key="control" text={window.location.origin} />],
                  ['TLS', isTls ? <Yes key="tls">On</Yes> : <No key="tls">Off on this connection</No>],
                  ['Metrics', <Address key="metrics" text={`${window.location.origin}/metrics`} />],
                  [
                    'Halves',
                    [halves.objects ? 'objects' : '', halves.keys ? 'keys' : ''].filter(Boolean).join(' and '),
                  ],
                  ['Version', version],
                ]}
              />
            </Card>
            {halves.objects && <ServerCards />}
            <Card title="Instances" note="of this account">
              <ul class="plain-list">
                {instances.map((instance) => (
                  <InstanceRow key={instance.guid} instance={instance} />
                ))}
              </ul>
            </Card>
          </div>
          <div class="stack">
            <Card title="Health">
              <Loaded load={health} failed="The health of the server could not be read." skeletonRows={2}>
                {(problems) =>
                  problems.length === 0 ? (
                    <Note tone="ok" icon="check">
                      Everything is as it should be.
                    </Note>
                  ) : (
                    <div class="stack tight">
                      {problems.map((problem) => (
                        <Note key={problem} tone="warn" icon="alert">
                          {problem}
                        </Note>
                      ))}
                    </div>
                  )
                }
              </Loaded>
            </Card>
            <Card
              title="You"
              actions={
                <Button isSmall icon="signOut" onClick={() => void told(signOut())}>
                  Sign out
                </Button>
              }
            >
              <Details
                items={[
                  ['Name', user.name || '–'],
                  ['Identity', <Address key="iam" text={user.arn ?? user.iamId} />],
                  ['Account', `${account.name}`],
                  [
                    'Signed in by',
                    signedInBy === 'access-key'
                      ? `access key ${accessKeyId ?? ''}`
                      : signedInBy === 'oidc'
                        ? (sso ?? 'SSO')
                        : 'API key',
                  ],
                  ['Session ends', `${formatAgo(expiresAt)}, or after ${idleMinutes} minutes without use`],
                ]}
              />
            </Card>
            <Card title="Set elsewhere">
              <ul class="plain-list">
                {halves.objects && (
                  <li>
                    <a href={href(['buckets'])}>Quotas</a>
                    <span class="muted small">of each bucket, in its settings</span>
                  </li>
                )}
                {halves.keys && (
                  <li>
                    <a href={href(['providers'])}>Key providers</a>
                    <span class="muted small">where root keys are held, and whether they answer</span>
                  </li>
                )}
                <li>
                  <a href={href(['api-docs'])}>API documents</a>
                  <span class="muted small">of Key Protect, IAM and administration, to read and to try</span>
                </li>
              </ul>
            </Card>
            <Card title="Appearance">
              <ThemeChoice />
            </Card>
          </div>
        </div>
        <CliHint command="coffer config explain" />
      </div>
    </>
  )
}

function ThemeChoice() {
  const [theme, setShown] = useState<Theme>(currentTheme())
  const choose = (wanted: Theme): void => {
    if (wanted === currentTheme()) return
    toggleTheme()
    setTheme(wanted)
    setShown(wanted)
  }
  return (
    <Segmented
      label="Theme"
      value={theme}
      options={[
        { value: 'light', label: 'Light' },
        { value: 'dark', label: 'Dark' },
      ]}
      onChange={choose}
    />
  )
}

const Address = ({ text }: { readonly text: string }) => (
  <span class="row end-row">
    <code class="breaks">{text}</code>
    <Copy text={text} label={`Copy ${text}`} />
  </span>
)

const Yes = ({ children }: { readonly children: ComponentChildren }) => (
  <Chip tone="ok" isSmall>
    {children}
  </Chip>
)
const No = ({ children }: { readonly children: ComponentChildren }) => (
  <Chip tone="warn" isSmall>
    {children}
  </Chip>
)

const InstanceRow = ({ instance: { name, service, region, crn } }: { readonly instance: Instance }) => (
  <li>
    <b>{name}</b>
    <span class="muted small">
      {service === 'kms' ? 'Key Protect' : 'Object Storage'}, {region}
    </span>
    <span class="end">
      <Copy text={crn} label={`Copy the CRN of ${name}`} />
    </span>
  </li>
)
