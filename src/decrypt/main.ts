import { decryptCommand } from './command.ts'

/** Run as `node decrypt/main.ts …`, wherever this folder was copied to. */
process.exitCode = await decryptCommand(process.argv.slice(2), { out: process.stdout, err: process.stderr })
