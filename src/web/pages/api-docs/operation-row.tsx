import { useState } from 'preact/hooks'
import type { ApiOperation } from '../../client/openapi.ts'
import { Chip } from '../../parts/chip.tsx'
import { CodeBlock } from '../../parts/code-block.tsx'
import { Prose } from '../../parts/prose.tsx'
import { outline } from './outline.ts'
import { TryIt } from './try-it.tsx'

/** A line that opens: what the call takes and answers, and a form to try it. */
export function OperationRow({ operation }: { readonly operation: ApiOperation }) {
  const [isOpen, setOpen] = useState(false)
  const { method, path, summary, description, body, reply, refusal, id } = operation
  return (
    <details class="api-operation" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Chip isSmall tone={method === 'GET' || method === 'HEAD' ? 'dek' : 'warn'}>
          {method}
        </Chip>
        <code>{path}</code>
        <span class="muted small">
          <Prose text={summary} />
        </span>
      </summary>
      {isOpen && (
        <div class="api-inside">
          <p class="small">
            {id}. <Prose text={description} />
          </p>
          {body && (
            <>
              <h3>Takes</h3>
              <CodeBlock text={outline(body.schema)} />
            </>
          )}
          {reply !== undefined && (
            <>
              <h3>Answers</h3>
              <CodeBlock text={outline(reply)} />
            </>
          )}
          {refusal !== undefined && (
            <>
              <h3>Answers when it is refused</h3>
              <CodeBlock text={outline(refusal)} />
            </>
          )}
          <h3>Try it</h3>
          <TryIt operation={operation} />
        </div>
      )}
    </details>
  )
}
