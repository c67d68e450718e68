import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import { API, call } from '../../client/http.ts'
import type { ApiOperation, ApiParameter } from '../../client/openapi.ts'
import { keyInstances, session } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Chip } from '../../parts/chip.tsx'
import { CodeBlock } from '../../parts/code-block.tsx'
import { Field, TextArea } from '../../parts/field.tsx'
import { Prose } from '../../parts/prose.tsx'
import { sampleOf } from './outline.ts'

interface Answer {
  readonly status: number
  readonly text: string
}

/** Sends the call as whoever is signed in: it is done, not only shown. */
export function TryIt({ operation }: { readonly operation: ApiOperation }) {
  const [values, setValues] = useState<Readonly<Record<string, string>>>(() => startOf(operation))
  const [body, setBody] = useState(() =>
    operation.body ? JSON.stringify(sampleOf(operation.body.schema), null, 2) : '',
  )
  const [answer, setAnswer] = useState<Answer>()
  const [isBusy, setBusy] = useState(false)
  const missing = operation.parameters.find(({ name, isRequired }) => isRequired && (values[name] ?? '') === '')
  const send = async (): Promise<void> => {
    setBusy(true)
    setAnswer(await answerOf(operation, values, body))
    setBusy(false)
  }
  return (
    <form
      class="api-try"
      onSubmit={(event) => {
        event.preventDefault()
        if (!missing && !isBusy) void send()
      }}
    >
      <div class="api-fields">
        {operation.parameters.filter(isAsked).map(({ name, place, isRequired, description }) => (
          <Field
            key={`${place} ${name}`}
            label={name}
            note={`${place}${isRequired ? '' : ', optional'}`}
            hint={<Prose text={description} />}
            value={values[name] ?? ''}
            isCode
            onInput={(value) => setValues((before) => ({ ...before, [name]: value }))}
          />
        ))}
      </div>
      {operation.body && (
        <TextArea label="Body" note={operation.body.type} value={body} rows={8} isCode onInput={setBody} />
      )}
      <div class="api-send">
        <Button
          type="submit"
          kind={operation.method === 'GET' ? 'primary' : 'danger'}
          isBusy={isBusy}
          disabledBecause={missing && `${missing.name} is missing`}
        >
          Send
        </Button>
        {operation.method !== 'GET' && <span class="muted small">It is really done, with your rights.</span>}
        {answer && (
          <Chip tone={answer.status < 400 && answer.status > 0 ? 'ok' : 'bad'}>{answer.status || 'no answer'}</Chip>
        )}
      </div>
      <div aria-live="polite">{answer && answer.text !== '' && <CodeBlock text={answer.text} />}</div>
    </form>
  )
}

/** What the browser may set, and is not given by the call itself. */
const isAsked = ({ place, schema, name }: ApiParameter): boolean =>
  !(place === 'query' && typeof schema === 'object' && schema !== null && 'const' in schema) &&
  name !== 'Correlation-Id'

function startOf({ parameters }: ApiOperation): Readonly<Record<string, string>> {
  const known: Readonly<Record<string, string | undefined>> = {
    'Bluemix-Instance': keyInstances()[0]?.guid,
    account_id: session().account.id,
  }
  return Object.fromEntries(
    parameters.flatMap(({ name, schema }) => {
      const constant =
        typeof schema === 'object' && schema !== null && 'const' in schema ? String(schema.const) : undefined
      const value = constant ?? known[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

async function answerOf(
  operation: ApiOperation,
  values: Readonly<Record<string, string>>,
  body: string,
): Promise<Answer> {
  const of = (place: ApiParameter['place']) =>
    operation.parameters.filter((one) => one.place === place && (values[one.name] ?? '') !== '')
  const path = operation.path
    .replace(/#.*$/, '')
    .replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
  const pairs = (place: 'query' | 'header') => Object.fromEntries(of(place).map(({ name }) => [name, values[name]]))
  try {
    const response = await call(API + path, {
      method: methodOf(operation.method),
      query: pairs('query'),
      headers: {
        accept: 'application/json',
        ...pairs('header'),
        ...(operation.body ? { 'content-type': operation.body.type } : {}),
      },
      ...(operation.body && body.trim() !== '' ? { body } : {}),
    })
    return { status: response.status, text: pretty(await response.text()) }
  } catch (error) {
    const failed: ApiError = toApiError(error)
    return { status: failed.status, text: `${failed.code}: ${failed.message}` }
  }
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const methodOf = (name: string): (typeof METHODS)[number] => METHODS.find((one) => one === name) ?? 'GET'

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
