import { Fragment } from 'preact'
import { Copy } from './copy.tsx'
import { Icon } from './icon.tsx'

export interface CliHintProps {
  /** What does the same: `aws s3 ls`. Several lines, where it takes several commands. */
  readonly command: string
}

/** The console can do nothing that a command could not: this is the one. */
export const CliHint = ({ command }: CliHintProps) => (
  <div class="cli">
    <Icon name="terminal" />
    <code class="cli-text">
      {command.split('\n').map((line) => (
        <span key={line} class="cli-line">
          <span class="cli-prompt">$ </span>
          {coloured(line)}
        </span>
      ))}
    </code>
    <Copy text={command} label="Copy the command" />
  </div>
)

const coloured = (line: string) =>
  line
    .split(/(\s--?[a-z][\w-]*)/)
    .map((part, index) => (
      <Fragment key={index}>{/^\s--?[a-z]/.test(part) ? <span class="cli-flag">{part}</span> : part}</Fragment>
    ))
