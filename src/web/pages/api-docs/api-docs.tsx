import { useState } from 'preact/hooks'
import { type ApiOperation, readApiDocument } from '../../client/openapi.ts'
import { session } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Field } from '../../parts/field.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Prose } from '../../parts/prose.tsx'
import { TabLinks } from '../../parts/tabs.tsx'
import { href } from '../../router.ts'
import { useLoad } from '../../use-load.ts'
import type { PageProps } from '../page.ts'
import { OperationRow } from './operation-row.tsx'

const DOCUMENTS = [
  { id: 'admin', title: 'Administration', needs: 'objects' },
  { id: 'key-protect', title: 'Key Protect', needs: 'keys' },
  { id: 'iam', title: 'Identities and policies', needs: undefined },
  { id: 'resource-configuration', title: 'Resource configuration', needs: 'objects' },
] as const

export function Page({ params }: PageProps) {
  const { halves } = session()
  const documents = DOCUMENTS.filter(({ needs }) => needs === undefined || halves[needs])
  const name = documents.find(({ id }) => id === params['document'])?.id ?? documents[0]?.id ?? 'iam'
  const [wanted, setWanted] = useState('')
  const load = useLoad((signal) => readApiDocument(name, signal), [name])
  return (
    <>
      <PageHead
        title="API docs"
        sub="What this server can be asked for, out of the tables that it serves requests by."
        actions={
          <Button icon="download" href={`/ui/api/openapi/${name}.json`} isDownload>
            OpenAPI 3.1
          </Button>
        }
      />
      <TabLinks
        label="APIs"
        current={name}
        tabs={documents.map(({ id, title }) => ({ id, title, href: href(['api-docs', id]) }))}
      />
      <Field
        label="Find a call"
        type="search"
        value={wanted}
        placeholder="keys, envelope, DELETE…"
        onInput={setWanted}
      />
      <Loaded load={load} failed="The description of the API could not be read">
        {({ description, operations }) => {
          const found = operations.filter((operation) => matches(operation, wanted))
          return (
            <div class="api-groups">
              <p class="muted small">
                <Prose text={description} />
              </p>
              {[...Map.groupBy(found, ({ tag }) => tag)].map(([tag, all]) => (
                <Card key={tag} title={tag} note={`${all.length}`}>
                  {all.map((operation) => (
                    <OperationRow key={operation.id} operation={operation} />
                  ))}
                </Card>
              ))}
              {found.length === 0 && (
                <EmptyState
                  figure={<Icon name="search" size="large" />}
                  title="No call is like that"
                  text="Look for a part of its path, its name or its method."
                />
              )}
            </div>
          )
        }}
      </Loaded>
    </>
  )
}

function matches({ method, path, id, summary }: ApiOperation, wanted: string): boolean {
  const text = `${method} ${path} ${id} ${summary}`.toLowerCase()
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}
