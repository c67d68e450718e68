import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { exportLines, type Position } from '../../audit/export.ts'
import { CodedError } from '../../base/errors.ts'
import { EXIT } from '../../base/exit-status.ts'
import { parseCommand, type Streams, usageError } from './command.ts'
import { refused } from './refused.ts'

export async function auditExport(args: readonly string[], { out, err }: Streams): Promise<number> {
  const { positionals, options, flags } = parseCommand(args, ['from', 'to', 'out'], ['json'])
  const [directory, ...more] = positionals
  if (directory === undefined || more.length > 0) throw usageError('give the directory of an audit log')
  const range = { ...at('from', options['from']), ...at('to', options['to']) }
  let lines = 0
  const counted = async function* () {
    for await (const line of exportLines(directory, range)) {
      lines++
      yield line
    }
  }
  const file = options['out']
  if (file === undefined) await pipeline(counted, out, { end: false })
  // An excerpt is evidence: it replaces nothing.
  else await pipeline(counted, createWriteStream(file, { flags: 'wx', mode: 0o600 }))
  // To standard output the lines themselves are the answer, which are JSON.
  if (lines > 0) {
    if (file !== undefined && flags.has('json')) out.write(`${JSON.stringify({ file, lines })}\n`)
    return EXIT.done
  }
  return refused(new CodedError('NoLine', 'there is no line in this range'), { args, streams: { out, err } })
}

function at(name: 'from' | 'to', text: string | undefined): { readonly from?: Position; readonly to?: Position } {
  return text === undefined ? {} : { [name]: positionOf(name, text) }
}

function positionOf(name: string, text: string): Position {
  if (/^\d{1,15}$/.test(text)) return { seq: Number(text) }
  const time = new Date(text)
  if (!/^\d{4}-\d{2}-\d{2}(T|$)/.test(text) || Number.isNaN(time.getTime())) {
    throw usageError(`--${name} takes a sequence number or a time such as 2030-01-31T12:00:00Z`)
  }
  return { time: time.toISOString() }
}
