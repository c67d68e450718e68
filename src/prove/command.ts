import { usage } from '../decrypt/errors.ts'
import { EXIT, refused, type Streams, writeHelp } from '../decrypt/status.ts'
import { readProveArguments } from './arguments.ts'
import { prove } from './prove.ts'
import { verifyReport } from './verify-report.ts'

const HELP = `coffer prove: shows, without keys, that a data directory holds nothing but ciphertext and what is in clear by design.

Shares no code with the server: only with coffer decrypt, which was written from the format documents alone.
Reads every byte of a data directory that no server uses, or of a copy, and writes nothing to it. docs/prove.md says what
this shows and what it cannot show.

Usage:
  coffer prove DIR [--canary TEXT|@FILE]… [--class NAME=DIR2]… [--report FILE] [--json] [--quiet]
      Every file is of a known kind, every blob has a valid header and a body that looks like ciphertext, every row is a
      sealed record, and no canary is anywhere: as it is, in hex, base64, UTF-16, as JSON or URLs write it; in blocks of
      LevelDB that are compressed and keys that share beginnings, too.
  coffer prove DIR … --with-keys | --key-file FILE | --passphrase-file FILE  [--sample N] [--seed S]
      Besides, opens every row of the metadata and N objects (20) that the seed chooses, tag by tag. Keys as of decrypt.
      The seed is printed: the same one chooses the same objects.
  coffer prove verify REPORT [--public-key FILE] [--against DIR [--class …]] [--json]
      Whether the report is as it was signed, and the directory still what it is of.

  --sign-key FILE     an Ed25519 private key (PEM) that signs the report. Without: the key of the audit log, if the
                      instance key was given ("coffer audit public-key" prints its public half); else nothing signs it

Examples:
  coffer prove /var/lib/coffer --canary "what one of its objects says"
  coffer prove /var/lib/coffer --key-file /etc/coffer.key --report report.json
  coffer prove verify report.json --public-key audit.pem --against /var/lib/coffer

Exit status: 0 nothing found (verify: signed by that public key, and unchanged); 1 something was found, each named (verify:
  changed, or not that directory); 2 called wrongly or not readable; 3 verify: not signed, or no --public-key was given.
`

/** `coffer prove …`; resolves to the exit status. */
export async function proveCommand(args: readonly string[], streams: Streams): Promise<number> {
  try {
    const { values, positionals } = readProveArguments(args)
    if (values.help) {
      writeHelp(HELP, values.json, streams)
      return EXIT.done
    }
    const [first, ...rest] = positionals
    if (first === undefined) throw usage('give a data directory (coffer prove --help)')
    return first === 'verify' ? verifyReport(rest, values, streams) : prove(positionals, values, streams)
  } catch (error) {
    return refused(error, args, streams)
  }
}
