import { Fragment } from 'preact'
import { Dialog } from '../parts/dialog.tsx'
import { SHORTCUTS } from './shortcuts.ts'

export const Help = ({ onClose }: { readonly onClose: () => void }) => (
  <Dialog title="Keyboard shortcuts" onClose={onClose}>
    <dl class="keys-list">
      {SHORTCUTS.map(({ keys, what }) => (
        <Fragment key={what}>
          <dt>
            {keys.map((key, index) => (
              <Fragment key={key}>
                {index > 0 && ' '}
                <kbd>{key}</kbd>
              </Fragment>
            ))}
          </dt>
          <dd>{what}</dd>
        </Fragment>
      ))}
    </dl>
  </Dialog>
)
