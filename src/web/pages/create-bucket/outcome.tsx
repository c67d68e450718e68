import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { Envelope } from '../../parts/envelope.tsx'
import { Hatch } from '../../parts/hatch.tsx'
import { Letter } from '../../parts/letter.tsx'
import { Seal } from '../../parts/seal.tsx'

/** What the bucket will be: drawn, and in words. `keyName`: of the root key; undefined for the provider's. */
export const Outcome = ({
  isCustomer,
  keyName,
}: {
  readonly isCustomer: boolean
  readonly keyName?: string | undefined
}) => {
  const key = keyName ?? 'The root key'
  return (
    <Card
      title="What you’ll get"
      actions={
        isCustomer ? (
          <Chip isSmall tone="brass" icon="key">
            Customer-managed
          </Chip>
        ) : (
          <Chip isSmall tone="ct" icon="lock">
            Provider-managed
          </Chip>
        )
      }
    >
      <div class="outcome-picture">
        <Envelope state={isCustomer ? 'sealed' : 'provider'} />
      </div>
      <ol class="story">
        <li>
          <Hatch size={24} />
          <span>
            <b>Each object gets its own data key</b> and is stored only as ciphertext.
          </span>
        </li>
        <li>
          <Letter size={24} />
          <span>
            <b>{isCustomer ? key : 'Coffer’s own root key'} wraps that data key.</b> Only the wrapped copy is stored.
          </span>
        </li>
        <li>
          <Seal size={24} isDisabled={!isCustomer} />
          <span>
            <b>Reading needs the root key.</b>{' '}
            {isCustomer ? 'Each unwrap is checked and logged.' : 'The store keeps it, sealed by its own secret.'}
          </span>
        </li>
      </ol>
      <hr class="rule" />
      {isCustomer ? (
        <>
          <h3>If {keyName ?? 'the key'} is disabled</h3>
          <p class="small">
            This bucket stops serving reads and writes at once, within 5 seconds where the key is kept elsewhere.
            Enabling the key brings it all back. A deleted key can be restored for 30 days; after that the data can’t be
            recovered by anyone.
          </p>
        </>
      ) : (
        <>
          <h3>You can change your mind</h3>
          <p class="small">
            The bucket can be moved under a root key of yours later: its data keys are rewrapped, its objects stay where
            they are.
          </p>
        </>
      )}
    </Card>
  )
}
