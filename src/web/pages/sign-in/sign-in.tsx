import { Envelope } from '../../parts/envelope.tsx'
import { Logo } from '../../shell/logo.tsx'
import { SignInForm } from './sign-in-form.tsx'

export const SignIn = () => (
  <main class="sign-in-page">
    <div class="sign-in-form">
      <div class="brand">
        <Logo />
        <span>Coffer</span>
      </div>
      <SignInForm isPage />
    </div>
    <div class="sign-in-picture">
      <Envelope />
      <p>Each object has a data key of its own. Your root key seals it: who holds the seal decides who can read.</p>
    </div>
  </main>
)
