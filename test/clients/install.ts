import { access, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { CLIENTS_DIR, run } from './command.ts'

// With [crt] boto3 computes every checksum that there is, and has its second, native transfer manager.
const PYTHON_PACKAGES = [
  ...['awscli==1.46.3', 'boto3[crt]', 's3cmd==2.4.0', 'minio==7.2.20', 'duplicity==3.2.1', 'ansible==12.3.0'],
  ...['pyarrow==26.0.1', 'deltalake==1.6.6', 'obstore==0.12.1'],
]
const python = path.join(CLIENTS_DIR, 'python')

/** A program of the Python virtual environment that all Python clients share. */
export const pythonTool = (name: string): string => path.join(python, 'bin', name)
export const goTool = (name: string): string => path.join(CLIENTS_DIR, 'bin', name)

/** Does `work` once per name, however often and by however many clients it is asked for. */
const running = new Map<string, Promise<void>>()
function once(name: string, work: () => Promise<void>): Promise<void> {
  const promise = running.get(name) ?? work()
  running.set(name, promise)
  return promise
}

/** Like `once`, but remembers across runs: a marker in `directory` holds what was installed. */
function onceFor(directory: string, wanted: string, work: () => Promise<void>): Promise<void> {
  return once(directory, async () => {
    const marker = path.join(directory, '.installed')
    if ((await readFile(marker, 'utf8').catch(() => '')) === wanted) return
    await mkdir(directory, { recursive: true })
    await work()
    await writeFile(marker, wanted)
  })
}

export function installPython(): Promise<void> {
  return onceFor(python, PYTHON_PACKAGES.join(' '), async () => {
    await run('python3', ['-m', 'venv', python])
    await run(pythonTool('pip'), ['install', '--quiet', ...PYTHON_PACKAGES])
  })
}

/** npm packages in a directory of their own under .clients, so that they share nothing with the project's dependencies. */
export function installNpm(name: string, packages: readonly string[]): Promise<void> {
  const directory = path.join(CLIENTS_DIR, name)
  return onceFor(directory, packages.join(' '), async () => {
    await writeFile(path.join(directory, 'package.json'), '{ "private": true }\n')
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], { cwd: directory })
  })
}

export const requireFrom = (name: string): NodeJS.Require => createRequire(path.join(CLIENTS_DIR, name, 'package.json'))

export async function npmVersion(name: string, packageName: string): Promise<string> {
  const file = path.join(CLIENTS_DIR, name, 'node_modules', packageName, 'package.json')
  const { version }: { version: string } = JSON.parse(await readFile(file, 'utf8'))
  return version
}

export function installGo(tool: string, module: string): Promise<void> {
  return once(`go ${tool}`, async () => {
    if (await exists(goTool(tool))) return
    await run('go', ['install', module], { env: { GOBIN: path.join(CLIENTS_DIR, 'bin') } })
  })
}

/** Programs of a Go module of ours in `go/<name>`: its own package, or those that its go.mod names. */
export function buildGo(name: string, programs: Readonly<Record<string, string>>): Promise<void> {
  return once(`go module ${name}`, async () => {
    if ((await Promise.all(Object.keys(programs).map((tool) => exists(goTool(tool))))).every(Boolean)) return
    // Building writes into the module.
    const module = path.join(CLIENTS_DIR, `go-${name}`)
    await cp(path.join(import.meta.dirname, 'go', name), module, { recursive: true })
    for (const [tool, source] of Object.entries(programs))
      await run('go', ['build', '-mod=mod', '-o', goTool(tool), source], { cwd: module })
  })
}

/** Uses what is on the PATH, else installs Debian's package (which needs root). */
export function installDebian(tool: string, packageName = tool): Promise<void> {
  return once(`debian ${tool}`, async () => {
    const found = (process.env['PATH'] ?? '').split(':').map((directory) => exists(path.join(directory, tool)))
    if ((await Promise.all(found)).includes(true)) return
    await run('apt-get', ['update'])
    await run('apt-get', ['install', '--yes', '--no-install-recommends', packageName], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    })
  })
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )
