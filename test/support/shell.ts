import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'

export interface Shell extends AsyncDisposable {
  /** Standard output and error together; a line that fails ends the rest. */
  readonly run: (script: string) => Promise<{ readonly status: number; readonly out: string }>
}

/** A bash that is told one script after the other, and keeps what each defined. */
export function startShell(cwd: string, environment: Readonly<Record<string, string>>): Shell {
  const own = Object.entries(process.env).filter(([name]) => !/^(COFFER_|AWS_|IBMCLOUD_)/.test(name))
  const child = spawn('bash', ['--noprofile', '--norc'], { cwd, env: { ...Object.fromEntries(own), ...environment } })
  let out = ''
  let heard = (): void => {}
  const hear = (chunk: string): void => {
    out += chunk
    heard()
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)
  child.on('exit', () => heard())
  child.stdin.write('exec 2>&1\n')
  return {
    run: async (script) => {
      const mark = randomUUID()
      const end = new RegExp(`\\n${mark} (\\d+)\\n`)
      out = ''
      // Each line by itself, as it is pasted (eval knows aliases of earlier ones), with nothing to read.
      const lines = script.split('\n').filter((line) => line.trim() !== '')
      const quoted = lines.map((line) => `eval '${line.replaceAll("'", "'\\''")}' </dev/null`)
      child.stdin.write(`${[...quoted, 'true'].join(' &&\n')}\nprintf '\\n%s %s\\n' ${mark} $?\n`)
      for (;;) {
        const found = end.exec(out)
        if (found) return { status: Number(found[1]), out: out.slice(0, found.index) }
        if (child.exitCode !== null || child.signalCode !== null) return { status: child.exitCode ?? -1, out }
        const { promise, resolve } = Promise.withResolvers<void>()
        heard = resolve
        await promise
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}
