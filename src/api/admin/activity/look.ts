import type { Needles, ReadLine, Span } from '../../../audit/read-log.ts'
import type { Iam } from '../../../iam/iam.ts'
import { accountOf } from './account-of.ts'
import { type ActivityEntry, entryOf } from './entry.ts'
import { type ActivityFilter, needlesOf, passes } from './filter.ts'

/** The audit log, as it can be read while it is written. */
export interface ReadableLog {
  readonly read: (span: Span, order: 'newest-first' | 'oldest-first', needles?: Needles) => AsyncIterable<ReadLine>
  /** Resolves when there is more of it than now, or nothing more will come. */
  readonly grown: () => Promise<void>
}

/** Lines that somebody may see, of what he asked for. */
export interface Looking {
  readonly log: Pick<ReadableLog, 'read'>
  readonly iam: Pick<Iam, 'instance' | 'principal' | 'isOperator'>
  readonly accountId: string
  readonly filter: ActivityFilter
  readonly span: Span
  readonly order: 'newest-first' | 'oldest-first'
}

export interface Seen {
  readonly line: ReadLine
  /** Undefined: it is not one of those that were asked for. */
  readonly entry: ActivityEntry | undefined
}

/** What was asked for, and other lines of the span now and then, so that whoever pages knows how far a look has come. */
export async function* look({ log, iam, accountId, filter, span, order }: Looking): AsyncGenerator<Seen> {
  const names = remembering(iam)
  for await (const line of log.read(span, order, needlesOf(filter))) {
    const entry = isOwn(line, accountId, iam) ? entryOf(line, accountId, names) : undefined
    yield { line, entry: entry && passes(filter, entry) ? entry : undefined }
  }
}

function isOwn({ type, record }: ReadLine, accountId: string, iam: Pick<Iam, 'instance' | 'isOperator'>): boolean {
  if (type !== 'event') return false
  const account = accountOf(record, iam)
  return account === undefined ? iam.isOperator(accountId) : account === accountId
}

/** A page names the same few people again and again. */
function remembering({ principal }: Pick<Iam, 'principal'>): Pick<Iam, 'principal'> {
  const known = new Map<string, ReturnType<Iam['principal']>>()
  return {
    principal: (accountId, name) => {
      if (!known.has(name)) known.set(name, principal(accountId, name))
      return known.get(name)
    },
  }
}
