import { useState } from 'preact/hooks'
import { bucketHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Field } from '../../parts/field.tsx'
import { NotShown } from '../../parts/loaded.tsx'
import { navigate } from '../../router.ts'
import { storageName } from '../../use-rights.ts'

/** For who may not list buckets, but may have a right to what is in one of them. */
export function BucketsNotListed() {
  const [name, setName] = useState('')
  return (
    <div class="stack">
      <NotShown needs={`Reader on ${storageName()} to list the buckets`} />
      <form
        class="open-bucket"
        onSubmit={(event) => {
          event.preventDefault()
          if (name !== '') navigate(bucketHref(name))
        }}
      >
        <Field label="Open a bucket by its name" value={name} onInput={setName} isCode />
        <Button type="submit" disabledBecause={name === '' ? 'Needs a name' : undefined}>
          Open
        </Button>
      </form>
    </div>
  )
}
