import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { OutputChunk } from 'rolldown'

const HOME = import.meta.dirname
export const BUILT = path.join(HOME, 'built')

export interface BuiltFile {
  readonly name: string
  readonly bytes: number
  readonly compressedBytes: number
}

export interface Built {
  readonly files: readonly BuiltFile[]
  /** What a first visit of the sign-in page takes, compressed: the page, its styles and what it runs before anybody clicks. */
  readonly firstLoadBytes: number
}

/** Makes what the console is served as: names with a hash of what is in them, each compressed beforehand. */
export async function build(directory: string = BUILT): Promise<Built> {
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({
    cwd: HOME,
    input: { main: './main.tsx', theme: './theme.ts' },
    platform: 'browser',
    transform: { target: 'es2024' },
    plugins: [{ name: 'styles', load: { filter: { id: /\.css$/ }, handler: () => ({ code: '', moduleType: 'js' }) } }],
  })
  const { output } = await bundle.generate({
    format: 'esm',
    minify: true,
    entryFileNames: '[name]-[hash].js',
    chunkFileNames: '[name]-[hash].js',
  })
  await bundle.close()
  const chunks = output.filter((one) => one.type === 'chunk')
  const styles = await readStyles()
  const stylesName = `styles-${shortHash(styles)}.css`
  const entry = (name: string): OutputChunk => {
    const chunk = chunks.find((one) => one.isEntry && one.name === name)
    if (!chunk) throw new Error(`the bundle has no entry ${name}`)
    return chunk
  }
  const first = [...new Set([entry('theme'), entry('main')].flatMap((one) => withImports(one, chunks)))]
  const preloads = first.map(({ fileName }) => fileName).filter((name) => name !== entry('theme').fileName)
  const page = indexPage(entry('theme').fileName, entry('main').fileName, stylesName, preloads)
  const contents = new Map([
    ...chunks.map(({ fileName, code }) => [fileName, code] as const),
    [stylesName, styles],
    ['index.html', page],
    ['icon.svg', ICON],
  ])

  // In the place of the last ones at once: a server may be starting.
  const fresh = `${directory}.new`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { recursive: true })
  const files = await Promise.all(Array.from(contents, ([name, text]) => write(fresh, name, text)))
  await rm(directory, { recursive: true, force: true })
  await rename(fresh, directory)
  const isFirst = new Set([...first.map(({ fileName }) => fileName), stylesName, 'index.html', 'icon.svg'])
  const firstLoadBytes = files.reduce((sum, one) => sum + (isFirst.has(one.name) ? one.compressedBytes : 0), 0)
  return { files, firstLoadBytes }
}

function withImports(chunk: OutputChunk, chunks: readonly OutputChunk[]): readonly OutputChunk[] {
  const imported = chunk.imports.flatMap((name) => chunks.filter(({ fileName }) => fileName === name))
  return [chunk, ...imported.flatMap((one) => withImports(one, chunks))]
}

/** The sheets that `styles/index.css` imports, in its order, without what only people read. */
async function readStyles(): Promise<string> {
  const index = await readFile(path.join(HOME, 'styles/index.css'), 'utf8')
  const names = Array.from(index.matchAll(/@import\s+["']\.\/([\w-]+\.css)["']/g), ([, name = '']) => name)
  const sheets = await Promise.all(names.map((name) => readFile(path.join(HOME, 'styles', name), 'utf8')))
  return sheets
    .join('\n')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s*\n\s*/g, '\n')
    .replaceAll(/\s*([{};])\s*/g, '$1')
}

async function write(directory: string, name: string, text: string): Promise<BuiltFile> {
  const bytes = Buffer.from(text)
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
  const brotli = await promisify(brotliCompress)(bytes, { params })
  await writeFile(path.join(directory, name), bytes)
  await writeFile(path.join(directory, `${name}.br`), brotli)
  await writeFile(path.join(directory, `${name}.gz`), await promisify(gzip)(bytes, { level: 9 }))
  return { name, bytes: bytes.length, compressedBytes: brotli.length }
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8)

const indexPage = (theme: string, main: string, styles: string, preloads: readonly string[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Coffer</title>
<link rel="icon" href="/ui/assets/icon.svg" type="image/svg+xml">
<script src="/ui/assets/${theme}" type="module" blocking="render"></script>
<link rel="stylesheet" href="/ui/assets/${styles}">
${preloads.map((name) => `<link rel="modulepreload" href="/ui/assets/${name}">`).join('\n')}
</head>
<body>
<noscript>The console needs JavaScript. Everything it does can be done with the command line, too.</noscript>
<div id="root"></div>
<script type="module" src="/ui/assets/${main}"></script>
</body>
</html>
`

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><path d="M20 1.500 36 10.700v18.600L20 38.500 4 29.300V10.700z" fill="#0f3f49"/><path d="M11.500 15.500h17l-1.800 12a2.500 2.500 0 0 1-2.500 2.100h-8.400a2.500 2.500 0 0 1-2.500-2.100z" fill="none" stroke="#fff" stroke-width="2.200" stroke-linejoin="round"/><path d="M14.500 15.500v-1.800a5.500 5.500 0 0 1 11 0v1.800" fill="none" stroke="#b98416" stroke-width="2.400" stroke-linecap="round"/><circle cx="20" cy="21.800" r="2" fill="#b98416"/></svg>
`

/** Whether something of the sources is younger than what was made of them. */
export async function isStale(): Promise<boolean> {
  const made = await stat(path.join(BUILT, 'index.html')).catch(() => undefined)
  if (!made) return true
  const names = await readdir(HOME, { recursive: true })
  const sources = names.filter((name) => /\.(tsx?|css)$/.test(name) && !name.startsWith('built'))
  const times = await Promise.all(sources.map(async (name) => (await stat(path.join(HOME, name))).mtimeMs))
  return Math.max(...times) > made.mtimeMs
}

/** `--if-stale`, before a start: only what has changed is built, and nothing where the packages that build it were left out. */
async function main(): Promise<void> {
  const isOptional = process.argv.includes('--if-stale')
  if (isOptional && !(await isStale())) return
  try {
    const { files, firstLoadBytes } = await build()
    const bytes = files.reduce((sum, one) => sum + one.compressedBytes, 0)
    console.log(
      `console: ${files.length} files, ${kilobytes(bytes)} compressed, first load ${kilobytes(firstLoadBytes)}`,
    )
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    if (!isMissing || !isOptional) throw error
    console.log('console: not built, for the packages that build it are not installed')
  }
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`

if (import.meta.main) await main()
