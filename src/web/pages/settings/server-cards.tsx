import { getServerSettings } from '../../client/admin.ts'
import { counted, formatBytes } from '../../format.ts'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { Copy } from '../../parts/copy.tsx'
import { Details } from '../../parts/details.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { useLoad } from '../../use-load.ts'

/** What the operator has set for all buckets. */
export function ServerCards() {
  const load = useLoad(getServerSettings, [], { topics: ['buckets', 'objects'] })
  return (
    <>
      <Card title="Provider-managed key" note="of buckets that name no root key">
        <Loaded load={load} failed="The provider-managed key could not be read." skeletonRows={2}>
          {({ providerManaged: { rootKeyCrn, objects, bytes } }) => (
            <Details
              items={[
                [
                  'Root key',
                  <span key="key" class="row end-row">
                    <code class="breaks">{rootKeyCrn}</code>
                    <Copy text={rootKeyCrn} label="Copy the CRN of the provider-managed key" />
                  </span>,
                ],
                ['Under it', `${counted(objects, 'object')}, ${formatBytes(bytes)}`],
              ]}
            />
          )}
        </Loaded>
      </Card>
      <Card title="Webhooks" note="whom buckets can notify">
        <Loaded load={load} failed="The webhooks could not be read." skeletonRows={2}>
          {({ notificationTargets }) =>
            notificationTargets.length === 0 ? (
              <EmptyState title="None is set" text="COFFER_S3_WEBHOOKS and COFFER_S3_NATS_TARGETS name them." />
            ) : (
              <ul class="plain-list">
                {notificationTargets.map(({ name, kind, host, arn }) => (
                  <li key={arn}>
                    <b>{name}</b>
                    <Chip isSmall>{kind === 'nats' ? 'NATS' : 'Webhook'}</Chip>
                    <span class="muted small">{host}</span>
                    <span class="end">
                      <Copy text={arn} label={`Copy the ARN of ${name}`} />
                    </span>
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      </Card>
    </>
  )
}
