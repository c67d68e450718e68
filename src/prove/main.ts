import { proveCommand } from './command.ts'

/** Run as `node prove/main.ts …`, with the folder `decrypt` beside this one. */
process.exitCode = await proveCommand(process.argv.slice(2), { out: process.stdout, err: process.stderr })
