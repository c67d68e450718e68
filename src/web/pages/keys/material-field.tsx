import { useState } from 'preact/hooks'
import { canSeal, fromBase64, MATERIAL_BYTES } from '../../client/import-material.ts'
import { Field } from '../../parts/field.tsx'
import { Note } from '../../parts/note.tsx'

export interface MaterialFieldProps {
  readonly label?: string
  /** Undefined: it is not yet key material. */
  readonly onChange: (material: Uint8Array<ArrayBuffer> | undefined) => void
}

/** Key material that somebody brings: pasted as base64, or a file. It is encrypted before it leaves the page. */
export function MaterialField({ label = 'Key material', onChange }: MaterialFieldProps) {
  const [text, setText] = useState('')
  const [file, setFile] = useState<string>()
  const take = (value: string): void => {
    setText(value)
    setFile(undefined)
    onChange(materialIn(value))
  }
  const takeFile = async (chosen: File | undefined): Promise<void> => {
    if (!chosen) return
    const bytes = new Uint8Array(await chosen.arrayBuffer())
    const inText = fromBase64(new TextDecoder().decode(bytes))
    const material = [bytes, inText].find((one) => one !== undefined && MATERIAL_BYTES.includes(one.length))
    setText('')
    setFile(material ? `${chosen.name}, ${material.length} bytes` : `${chosen.name} is no key material`)
    onChange(material)
  }
  return (
    <div class="stack tight">
      <Field
        label={label}
        note="base64"
        type="password"
        value={text}
        onInput={take}
        isCode
        isGood={materialIn(text) !== undefined}
        error={text === '' || materialIn(text) ? undefined : 'Not base64 of 16, 24 or 32 bytes.'}
        hint={file ?? '16, 24 or 32 bytes. It is encrypted in this browser under an import token.'}
      />
      <label class="file-choice">
        <span>Or choose a file</span>
        <input type="file" onChange={(event) => void takeFile(event.currentTarget.files?.[0])} />
      </label>
      {!canSeal() && (
        <Note tone="warn" icon="alert">
          This page came without TLS, and so the browser encrypts nothing. Open the console over https, or use{' '}
          <code>coffer key import</code>.
        </Note>
      )}
    </div>
  )
}

function materialIn(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = fromBase64(text)
  return bytes && MATERIAL_BYTES.includes(bytes.length) ? bytes : undefined
}
