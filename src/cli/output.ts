import { EXIT } from '../base/exit-status.ts'
import type { Failure } from './failure.ts'
import { harmless, type Paint, shown } from './paint.ts'
import { isTerminal, type Streams } from './streams.ts'
import { type Column, tableText } from './table.ts'

/** Where answers go: what a person reads, or JSON. Answers are on standard output, all else on standard error. */
export interface Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly wide: boolean
  readonly paint: Paint
  readonly nowMs: number
  /** The one answer of a command. `ids`: what --quiet leaves of it. */
  readonly answer: (document: object, human: () => string, ids?: readonly string[]) => void
  /** A list as one answer: the member `name` of a document. */
  readonly rows: <Row>(list: {
    readonly name: string
    readonly rows: readonly Row[]
    readonly columns: readonly Column<Row>[]
    readonly id: (row: Row) => string
    /** What is said in place of a table without rows. */
    readonly none: string
    readonly document?: (row: Row) => unknown
    /** Below the table. */
    readonly sum?: string
  }) => void
  /** One of many. The stream ends with `result`, or with the error that is thrown. */
  readonly item: (item: object, human: () => string | undefined, id?: string) => void
  readonly result: (document: object, human: () => string | undefined) => void
  readonly warning: (message: string) => void
  /** A hint for people. */
  readonly note: (message: string) => void
  /** As it is: contents, scripts. */
  readonly raw: (text: string) => void
}

export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
  readonly wide: boolean
  readonly paint: Paint
  readonly nowMs: number
}

export function openOutput({ out, err }: Streams, options: OutputOptions): Output {
  const { json, quiet, wide, paint } = options
  const say = (text: string | undefined): void => {
    if (text !== undefined && text !== '') out.write(`${text}\n`)
  }
  const tell = (text: string | undefined): void => say(text === undefined ? undefined : harmless(text))
  const line = (document: object): void => say(jsonText(document))
  // What goes to another program stays as it is.
  const tellId = (id: string | undefined): void => say(id !== undefined && isTerminal(out) ? shown(id) : id)
  const answer: Output['answer'] = (document, human, ids = []) => {
    if (json) line(document)
    else if (!quiet) tell(human())
    else for (const id of ids) tellId(id)
  }
  return {
    ...options,
    answer,
    rows: ({ name, rows, columns, id, none, document = (row) => row, sum }) =>
      answer(
        { [name]: rows.map(document) },
        () =>
          rows.length === 0
            ? none
            : `${tableText(rows, columns, wide, paint)}${sum === undefined ? '' : `\n${paint.dim(sum)}`}`,
        rows.map(id),
      ),
    item: (item, human, id) => {
      if (json) line({ type: 'item', ...item })
      else if (quiet) tellId(id)
      // One line each, whatever is in the names.
      else tell(human()?.replaceAll('\n', '\\n'))
    },
    result: (document, human) => {
      if (json) line({ type: 'result', ...document })
      else if (!quiet) tell(human())
    },
    warning: (message) => {
      if (json) line({ type: 'warning', message })
      else err.write(`${paint.yellow('▲')} ${shown(message)}\n`)
    },
    note: (message) => {
      if (!json && !quiet) err.write(`${paint.dim(harmless(message))}\n`)
    },
    raw: (text) => void out.write(text),
  }
}

/** What went wrong, in the form that all of it has: what, why, what mends it, the request. */
export function failureText(doing: string, failure: Failure, paint: Paint): string {
  const { code, ending, why, fixes = [], notes = [], requestId } = failure
  const facts = [
    ...notes.map((note) => ['Note', note] as const),
    ...fixes.map((fix, index) => [index === 0 ? 'Fix' : 'Or', fix] as const),
    ...(requestId === undefined ? [] : [['Request', requestId] as const]),
  ]
  const first = `${paint.red('✕')} Can't ${doing}: ${why}${why.endsWith('?') ? '' : '.'}  ${paint.dim(`[${code}, exit ${EXIT[ending]}]`)}`
  return harmless([first, ...facts.map(([name, text]) => `  ${paint.dim(name.padEnd(7))} ${text}`)].join('\n'))
}

/** Of one line. JSON leaves some of what terminals obey as it is; escaped it means the same. */
export const jsonText = (document: object): string => JSON.stringify(document).replace(/[\u007f-\u009f]/g, escaped)

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`

export const failureDocument = (doing: string, { code, ending, why, fixes, notes, requestId }: Failure): object => ({
  type: 'error',
  code,
  exit: EXIT[ending],
  message: `Can't ${doing}: ${why}`,
  ...(fixes && fixes.length > 0 ? { fixes } : {}),
  ...(notes && notes.length > 0 ? { notes } : {}),
  ...(requestId === undefined ? {} : { requestId }),
})
