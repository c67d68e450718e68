import { Button } from './button.tsx'
import { CodeBlock } from './code-block.tsx'
import { Note } from './note.tsx'

export interface ChangedMeanwhileProps {
  /** `policy`, `tags`. */
  readonly what: string
  /** As others made it, to be read. */
  readonly theirs: string
  readonly onTheirs: () => void
  /** What is typed here takes its place when it is saved the next time. */
  readonly onMine: () => void
}

/** In place of overwriting what others wrote since it was read. */
export const ChangedMeanwhile = ({ what, theirs, onTheirs, onMine }: ChangedMeanwhileProps) => (
  <>
    <Note
      tone="warn"
      icon="alert"
      isLive
      actions={
        <>
          <Button isSmall onClick={onTheirs}>
            Take theirs
          </Button>
          <Button isSmall onClick={onMine}>
            Keep mine
          </Button>
        </>
      }
    >
      <b>Somebody changed the {what} meanwhile.</b> Nothing was saved.{' '}
      {theirs === '' ? 'Nothing is there now.' : 'Now:'}
    </Note>
    {theirs !== '' && <CodeBlock text={theirs} />}
  </>
)
