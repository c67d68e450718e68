import { Button } from '../parts/button.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { Icon } from '../parts/icon.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { href } from '../router.ts'

export const NotFound = () => (
  <>
    <PageHead title="There is no such page" />
    <EmptyState
      figure={<Icon name="search" size="large" />}
      title="Nothing is at this address"
      text="It may have been mistyped, or be of a later version."
      action={<Button href={href([''])}>Go to the overview</Button>}
    />
  </>
)
