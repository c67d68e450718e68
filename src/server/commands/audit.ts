import { hasCode } from '../../base/errors.ts'
import { EXIT } from '../../base/exit-status.ts'
import { auditExport } from './audit-export.ts'
import { auditPublicKey } from './audit-public-key.ts'
import { auditVerify } from './audit-verify.ts'
import type { Streams } from './command.ts'
import { helpOrUsage } from './help-or-usage.ts'
import { refused } from './refused.ts'

const COMMANDS = { verify: auditVerify, export: auditExport, 'public-key': auditPublicKey } as const

const HELP = `coffer audit: the hash-chained, signed log of every use of keys and every change of rights.

On the machine of the log:
  coffer audit verify <directory | file…> --public-key <file> [--expect <seq>:<hash>] [--json]
      Needs nothing but the log and the public key: no server, no settings, no lock.
      A directory is a whole log; files are some of its files, or one excerpt that an export made.
      --expect    a head that an earlier verification printed: tells a log that was cut off since
      exit status 0: verified and signed to its end; 3: well, but its last lines are not signed or not finished, as in
      the log of a running server; 1: bad, the first bad line is named; 2: called wrongly or not readable
  coffer audit export <directory> [--from <seq | time>] [--to <seq | time>] [--out <file>] [--json]
      The lines of a range and what is needed to verify them, on standard output or in a new file (8: it is there already).
  coffer audit public-key [--json] [settings]
      The public key in PEM, derived from the instance key. A running server gives it at GET /audit/public-key.

Examples:
  coffer audit public-key --data-dir /var/lib/coffer > audit.pem
  coffer audit verify /var/lib/coffer/audit --public-key audit.pem
  coffer audit export /var/lib/coffer/audit --from 1 --out log.jsonl

Of a running server, by HTTP: coffer audit [--follow] [--who <text>] [--key <key>] [--since <time>] [--limit <n>] …
`

/** `coffer audit …`; resolves to the exit status. */
export async function auditCommand(args: readonly string[], streams: Streams): Promise<number> {
  const [name = '', ...rest] = args
  const command = Object.hasOwn(COMMANDS, name)
    ? Object.entries(COMMANDS).find(([known]) => known === name)?.[1]
    : undefined
  if (!command || rest.includes('--help')) {
    return helpOrUsage(HELP, command !== undefined || name === '--help' || name === 'help', args, streams)
  }
  try {
    return await command(rest, streams)
  } catch (error) {
    const isUsage = hasCode(error) || (error instanceof Error && 'syscall' in error)
    return refused(error, { args, streams, status: isUsage ? EXIT.usage : EXIT.failed })
  }
}
