import { readArguments } from './arguments.ts'
import { usage } from './errors.ts'
import { extract } from './extract.ts'
import { list } from './list.ts'
import { EXIT, refused, type Streams, writeHelp } from './status.ts'
import { wrapped } from './wrapped.ts'

const HELP = `coffer decrypt: opens objects out of a data directory, without a server and without its code.

Written from docs/envelope-format.md, record-format.md and storage-format.md alone; needs Node and nothing else:
the folder src/decrypt may be copied away and run as "node decrypt/main.ts …".
Reads a data directory that no server uses, or a copy of one, and writes nothing to it.

Usage:
  coffer decrypt list DIR [bucket[/prefix]] [--versions] [--json]
  coffer decrypt get DIR bucket/key [-o FILE] [--version ID] [--json]   to standard output without -o
  coffer decrypt get DIR [bucket[/prefix]] --all --to NEWDIR [--versions] [--json]
      Files under NEWDIR/<bucket>/, and NEWDIR/index.jsonl: which is what, its headers, metadata and SHA-256.
  coffer decrypt wrapped DIR [bucket[/prefix]] [--versions]
      One line of JSON for each key that a root key wraps, with its context: what to ask a key service elsewhere for.

Keys. All are read from files, "-" is standard input; raw bytes, hex or base64.
  --key-file FILE           the instance key; by default DIR.key
  --passphrase-file FILE    the passphrase that the instance key is sealed under
  --bundle FILE             a key bundle (coffer keys backup): it has the instance key, and the root keys as they were,
  --bundle-passphrase-file FILE  for where the store of them is not to be had
  --kms DIR2                the data directory of the key service, where that is another one,
  --kms-key-file FILE       with its instance key (by default DIR2.key)
  --kms-passphrase-file FILE  or passphrase
  --root-key FILE           material of a root key that its owner keeps; may be repeated
  --unwrapped FILE          lines of "wrapped", each with the member "plaintext" (base64) that the key service gave
  --customer-key FILE       a key of a customer (SSE-C); may be repeated
  --dek FILE                the data key of the one object that is to be opened
  --class NAME=DIR2         the directory of a storage class beside STANDARD; may be repeated

Examples:
  coffer decrypt list /var/lib/coffer --key-file /etc/coffer.key
  coffer decrypt get /var/lib/coffer photos/one.jpg -o one.jpg
  coffer decrypt get /var/lib/coffer photos --all --to opened
  coffer decrypt wrapped /var/lib/coffer > wrapped.jsonl

Every commitment and tag is verified before a byte is written. Files appear under their names when they are whole.

Exit status: 0 all that was asked for was opened; 1 something is damaged, forged or not to be read, each named;
  2 called wrongly, wrong key, or nothing there; 3 nothing is wrong, but keys were not given for some, each named.
`

const COMMANDS = { list, get: extract, wrapped } as const

/** `coffer decrypt …`; resolves to the exit status. */
export async function decryptCommand(args: readonly string[], streams: Streams): Promise<number> {
  try {
    const { values, positionals } = readArguments(args)
    const [name = '', ...rest] = positionals
    if (values.help || name === 'help') {
      writeHelp(HELP, values.json, streams)
      return EXIT.done
    }
    const command = Object.entries(COMMANDS).find(([known]) => known === name)?.[1]
    if (!command) throw usage('say what to do: list, get or wrapped (coffer decrypt --help)')
    return await command(rest, values, streams)
  } catch (error) {
    return refused(error, args, streams)
  }
}
