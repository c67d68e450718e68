import { useRef } from 'preact/hooks'
import { Button } from '../../../parts/button.tsx'
import { Menu } from '../../../parts/menu.tsx'
import { usePageKeys } from '../../../shell/shortcuts.ts'
import { filesOfInput } from '../../../uploads/files-of.ts'

export interface UploadMenuProps {
  readonly bucket: string
  readonly prefix: string
  /** Why nothing can be uploaded. */
  readonly refusal: string | undefined
}

export function UploadMenu({ bucket, prefix, refusal }: UploadMenuProps) {
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const open = (): void => {
    if (refusal === undefined) files.current?.click()
  }
  usePageKeys({ u: open })
  const onChange = (input: HTMLInputElement): void => {
    const chosen = filesOfInput(input)
    const under = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    void import('../../../uploads/uploader.ts').then(({ addUploads }) => addUploads(bucket, under, chosen))
    input.value = ''
  }
  return (
    <>
      <Button kind="primary" icon="upload" disabledBecause={refusal} onClick={open}>
        Upload
      </Button>
      <Menu
        label="More ways to upload"
        buttonClass="icon-button bordered"
        items={[
          { label: 'Upload files', icon: 'document', onSelect: open, disabledBecause: refusal },
          {
            label: 'Upload a folder',
            icon: 'folder',
            onSelect: () => folder.current?.click(),
            disabledBecause: refusal,
          },
        ]}
      />
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-label="Files to upload"
        onChange={(event) => onChange(event.currentTarget)}
      />
      <input
        ref={folder}
        type="file"
        hidden
        aria-label="Folder to upload"
        {...{ webkitdirectory: true }}
        onChange={(event) => onChange(event.currentTarget)}
      />
    </>
  )
}
