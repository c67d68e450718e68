import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import { type Credentials, signIn } from '../../client/sign-in.ts'
import { Button } from '../../parts/button.tsx'
import { Field } from '../../parts/field.tsx'
import { Note } from '../../parts/note.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { ContinueWithSso } from './continue-with-sso.tsx'

export interface SignInFormProps {
  /** It is all there is, and has the heading of a page. */
  readonly isPage?: boolean
}

type Way = 'access-key' | 'api-key'

export function SignInForm({ isPage = false }: SignInFormProps) {
  const [way, setWay] = useState<Way>('access-key')
  const [accessKeyId, setAccessKeyId] = useState('')
  const [secret, setSecret] = useState('')
  const [apiKey, setApiKey] = useState('')
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)

  const onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault()
    const given: Credentials =
      way === 'api-key'
        ? { apiKey: apiKey.trim() }
        : { accessKeyId: accessKeyId.trim(), secretAccessKey: secret.trim() }
    setBusy(true)
    setError(undefined)
    try {
      await signIn(given)
    } catch (cause) {
      setError(toApiError(cause))
    } finally {
      setBusy(false)
    }
  }

  return (
    <form class="sign-in-fields" onSubmit={(event) => void onSubmit(event)}>
      {isPage && <h1>Sign in</h1>}
      <ContinueWithSso isPage={isPage} />
      <Segmented
        label="Sign in with"
        value={way}
        options={[
          { value: 'access-key', label: 'Access key' },
          { value: 'api-key', label: 'API key' },
        ]}
        onChange={setWay}
      />
      {error && (
        <Note tone="bad" icon="alert" isLive>
          {refusalOf(error, way)}
        </Note>
      )}
      {way === 'access-key' ? (
        <>
          <Field
            label="Access key"
            name="username"
            autocomplete="username"
            value={accessKeyId}
            onInput={setAccessKeyId}
            isRequired
            hasFocus
            isCode
          />
          <Field
            label="Secret key"
            name="password"
            type="password"
            autocomplete="current-password"
            value={secret}
            onInput={setSecret}
            isRequired
            isCode
          />
        </>
      ) : (
        <Field
          label="API key"
          name="api-key"
          type="password"
          autocomplete="current-password"
          value={apiKey}
          onInput={setApiKey}
          isRequired
          isCode
        />
      )}
      <Button kind="primary" type="submit" isBusy={isBusy}>
        Sign in
      </Button>
      <p class="muted small">
        The first start printed the administrator’s keys once. In a container: <code>docker compose logs coffer</code>
      </p>
    </form>
  )
}

function refusalOf(error: ApiError, way: Way): string {
  if (error.code !== 'SignInRefused') return error.message
  return way === 'api-key'
    ? 'That API key isn’t known here, or it was disabled. Keys are case-sensitive.'
    : 'That key pair isn’t known here. Keys are case-sensitive.'
}
