import { GROUP_NAMES, groupOf, type SuiteTest } from './groups.ts'
import { knownReason } from './reasons.ts'

export interface SuiteResult extends SuiteTest {
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly message: string
  readonly seconds: number
}

/** Counts for each group, then the failures with their messages. */
export function formatReport(results: readonly SuiteResult[]): string {
  const groups = Map.groupBy(results, (result) => groupOf(result).name)
  const rows = GROUP_NAMES.flatMap((name) => {
    const tests = groups.get(name)
    return tests === undefined ? [] : [row(`${tests.some((one) => groupOf(one).inScope) ? '*' : ' '} ${name}`, tests)]
  })
  const failing = results.filter(({ outcome }) => outcome === 'failed').toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const failures = failing.map(
    (test) =>
      `${groupOf(test).inScope ? '*' : ' '} ${test.id.split('::')[1]} [${groupOf(test).name}]: ${reasonOf(test)}`,
  )
  const unexplained = failing.filter((test) => knownReason(nameOf(test)) === undefined)
  return [
    'failures (* in scope):',
    ...failures,
    '',
    `${'group (* in scope)'.padEnd(28)} passed failed (unimplemented) skipped`,
    ...rows,
    row(
      'all in scope',
      results.filter((result) => groupOf(result).inScope),
    ),
    row('all', results),
    '',
    `unexplained failures: ${unexplained.length}`,
  ].join('\n')
}

/** "unimplemented": failures because the test also uses an operation or a header that the server says it does not have. */
function row(name: string, tests: readonly SuiteResult[]): string {
  const count = (has: (test: SuiteResult) => boolean): string => `${tests.filter(has).length}`
  const passed = count(({ outcome }) => outcome === 'passed')
  const failed = count(({ outcome }) => outcome === 'failed')
  const wanting = count((test) => test.outcome === 'failed' && unimplemented(test) !== undefined)
  const skipped = count(({ outcome }) => outcome === 'skipped')
  return `${name.padEnd(28)} ${passed.padStart(6)} ${failed.padStart(6)} ${wanting.padStart(15)} ${skipped.padStart(7)}`
}

const NOT_IMPLEMENTED = /An error occurred \(NotImplemented\) when calling the (\w+) operation[^:]*: (.*)/

function unimplemented({ message }: SuiteResult): string | undefined {
  const [, operation, text = ''] = NOT_IMPLEMENTED.exec(message.replaceAll(/\s+/g, ' ')) ?? []
  if (operation === undefined) return undefined
  return text.startsWith('A header') ? `a header of ${operation} is not implemented` : `${operation} is not implemented`
}

const nameOf = ({ id }: SuiteResult): string => (id.split('::')[1] ?? id).replace(/\[.*$/, '')

const reasonOf = (test: SuiteResult): string =>
  knownReason(nameOf(test)) ??
  `UNEXPLAINED: ${unimplemented(test) ?? test.message.replaceAll(/\s+/g, ' ').slice(0, 240)}`
