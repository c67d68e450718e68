import { leave, session } from '../client/session.ts'
import { SignInForm } from '../pages/sign-in/sign-in-form.tsx'
import { Drawer } from '../parts/drawer.tsx'

/** Over the page, which stays as it was: what it was asking is asked again afterwards. */
export const SessionExpired = () => (
  <Drawer
    title="Sign in again"
    sub={`The session of ${session().user.name || session().user.iamId} has ended. What you were doing is kept.`}
    isNarrow
    onClose={() => leave()}
  >
    <SignInForm />
  </Drawer>
)
