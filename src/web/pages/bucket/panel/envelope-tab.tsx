import { type EnvelopeFacts, getEnvelope } from '../../../client/bucket-admin.ts'
import type { BucketFacts } from '../../../client/bucket-facts.ts'
import { counted, formatBytes, formatCount, shortId } from '../../../format.ts'
import { keyHref } from '../../../links.ts'
import { Copy } from '../../../parts/copy.tsx'
import { Details } from '../../../parts/details.tsx'
import { Hatch } from '../../../parts/hatch.tsx'
import { Letter } from '../../../parts/letter.tsx'
import { Loaded } from '../../../parts/loaded.tsx'
import { Note } from '../../../parts/note.tsx'
import { Seal } from '../../../parts/seal.tsx'
import { useLoad } from '../../../use-load.ts'

export interface EnvelopeTabProps {
  readonly facts: BucketFacts
  readonly objectKey: string
  readonly versionId: string | undefined
}

/** Seal, letter, block: what wraps what, as it is stored. It needs no key, so it is shown of what is locked, too. */
export function EnvelopeTab({ facts, objectKey, versionId }: EnvelopeTabProps) {
  const envelope = useLoad(
    (signal) => getEnvelope(facts.name, objectKey, versionId, signal),
    [facts.name, objectKey, versionId],
    {
      topics: ['objects', 'keys', 'jobs'],
    },
  )
  return (
    <Loaded load={envelope} failed="The envelope could not be read." skeletonRows={3}>
      {(value) => <EnvelopePicture facts={facts} envelope={value} />}
    </Loaded>
  )
}

export function EnvelopePicture({
  facts,
  envelope,
}: {
  readonly facts: BucketFacts
  readonly envelope: EnvelopeFacts
}) {
  const { stored, dataKey, bucketKey, customerKey } = envelope
  const outer = stored?.layers.at(-1)
  return (
    <div class="envelope-parts">
      <RootKeyPart facts={facts} envelope={envelope} />
      <p class="envelope-link">wraps{bucketKey ? ' the key of the bucket, and that one' : ''}</p>
      <div class="envelope-part letter-part">
        <Letter size={34} />
        <div>
          <b>
            <code>{shortId(dataKey.fingerprint)}</code>
          </b>
          <p>Data key, stored wrapped next to the object</p>
        </div>
        <Copy text={dataKey.fingerprint} label="Copy the fingerprint" />
      </div>
      <p class="envelope-link">
        encrypts{stored ? ` · ${stored.cipher}, ${formatCount(stored.segmentBytes / 1024)} KiB segments` : ''}
      </p>
      <div class="envelope-part block-part hatched">
        <Hatch size={34} />
        <div>
          <b>{outer ? `${formatBytes(outer.ciphertextBytes)} ciphertext` : 'Ciphertext'}</b>
          <p>
            {outer ? `${counted(outer.segments, 'segment')}, each with its own tag` : 'It is not as its record says'}
          </p>
        </div>
      </div>
      {!stored && (
        <Note tone="bad" icon="alert">
          <b>The stored bytes are not what was written.</b> The object is damaged. Restore it from a backup or a
          replica.
        </Note>
      )}
      {customerKey && <Note icon="key">Reading needs a key that the client keeps, too (SSE-C).</Note>}
      <Details
        items={[
          ['Encryption', envelope.algorithm],
          ['Envelope', <code key="id">{shortId(envelope.envelopeId)}</code>],
          ['Wrapped key', counted(dataKey.wrappedBytes, 'byte')],
          ...(bucketKey ? [['Bucket key', <code key="key">{shortId(bucketKey.id)}</code>] as const] : []),
          ...(dataKey.encryptionContext ? [['Context', 'bound to the client’s own'] as const] : []),
          ...(stored ? [['Format', `${stored.format}, ${counted(stored.parts, 'part')}`] as const] : []),
        ]}
      />
    </div>
  )
}

function RootKeyPart({ facts, envelope }: { readonly facts: BucketFacts; readonly envelope: EnvelopeFacts }) {
  const { rootKey, rootKeyVersion, encryption } = envelope
  const isCustomer = encryption === 'customer-managed'
  const isDark = rootKey?.state !== undefined && rootKey.state !== 'active' && rootKey.state !== 'deactivated'
  const label = rootKey?.aliases?.[0] ?? rootKey?.name
  const number = rootKeyVersion?.number
  const isBuckets = facts.rootKey !== undefined && facts.rootKey.key.crn === rootKey?.crn
  const name = (
    <>
      {isCustomer ? (label ?? 'Root key') : 'Coffer’s own root key'}
      {number !== undefined && <span class="light"> · v{number}</span>}
    </>
  )
  return (
    <div class={`envelope-part ${isCustomer ? 'seal-part' : 'block-part'}${isDark ? ' dark' : ''}`}>
      <Seal size={34} isDisabled={!isCustomer || isDark} />
      <div>
        <b>
          {isBuckets && facts.rootKey ? <a href={keyHref(facts.rootKey.instance, facts.rootKey.key)}>{name}</a> : name}
        </b>
        <p>
          {isDark
            ? `${rootKey?.state === 'suspended' ? 'Disabled' : 'Not in use'}: it opens nothing`
            : isBuckets && facts.rootKey
              ? `Root key in ${facts.rootKey.instance.name}. Never leaves it.`
              : isCustomer
                ? 'Root key. Never leaves its key service.'
                : 'Kept by the store, sealed by its own secret.'}
        </p>
      </div>
    </div>
  )
}
