import { Button } from '../../parts/button.tsx'
import { Copy } from '../../parts/copy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Note } from '../../parts/note.tsx'

export interface SecretsProps {
  readonly title: string
  readonly secrets: readonly (readonly [label: string, value: string])[]
  readonly note: string
  readonly onClose: () => void
}

/** Of a key that was just made. */
export const Secrets = ({ title, secrets, note, onClose }: SecretsProps) => (
  <Dialog
    title={title}
    onClose={onClose}
    footer={
      <Button kind="primary" onClick={onClose}>
        I have kept it
      </Button>
    }
  >
    {secrets.map(([label, value]) => (
      <div key={label} class="secret-row">
        <b class="small">{label}</b>
        <span>
          <code>{value}</code>
          <Copy text={value} label={`Copy: ${label}`} />
        </span>
      </div>
    ))}
    <Note tone="warn" icon="alert">
      {note}
    </Note>
  </Dialog>
)
