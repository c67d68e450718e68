import { Icon } from '../../parts/icon.tsx'
import { Seal } from '../../parts/seal.tsx'

/** From one version to the next. */
export const VersionStep = ({ from }: { readonly from: number }) => (
  <div class="version-step" aria-hidden="true">
    <span>
      <Seal size={34} isDisabled />
      <b>v{from}</b>
      <span class="muted tiny">unwraps only</span>
    </span>
    <Icon name="chevronRight" />
    <span>
      <Seal size={44} />
      <b>v{from + 1}</b>
      <span class="muted tiny">wraps and unwraps</span>
    </span>
  </div>
)
