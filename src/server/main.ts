import { endWithReader } from '../base/end-with-reader.ts'
import { COMMANDS, unknownCommand } from './commands/index.ts'
import { guardProcess } from './guard-process.ts'
import { withoutUndici } from './lean-http.ts'

// Of Node's 64 KiB, a few bytes that stay for the length of a download would each keep all in memory.
Buffer.poolSize = 8 * 1024
const inheritedMask = process.umask(0o077)
guardProcess()
withoutUndici()
const [name = '', ...rest] = process.argv.slice(2)
const command = COMMANDS.get(name)
if (command?.local) (await import('./config.ts')).sizeThreadPool()
// What a client fetches is a file like any other of its user's.
else if (command) process.umask(inheritedMask)
const streams = { out: process.stdout, err: process.stderr }
if (command && name !== 'serve') endWithReader(process.stdout)
if (command) process.exitCode = await command.run(rest, streams)
else if (name !== '' && !name.startsWith('-')) {
  process.exitCode = await unknownCommand([name, ...rest], streams)
} else {
  // Loaded after the guard stands, and by who serves alone: loading takes long enough for a signal to come in between.
  const { run } = await import('./run.ts')
  await run(process.argv.slice(2))
}
