import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { usage } from '../faults/harness/disk.ts'

/** Numbers by their names: memory in bytes, what is open, what is on the disk. */
export interface Sample {
  readonly atMs: number
  readonly values: Readonly<Record<string, number>>
}

export interface Watch {
  /** Of the process that is to be watched. */
  readonly nodeOptions: readonly string[]
  readonly take: (dataDir: string, withDisk: boolean) => Promise<Sample>
  /** Memory in use once its garbage was collected, in bytes. Asked for twice a run, so that it shapes nothing. */
  readonly collected: (pid: number) => Promise<Collected>
}

export interface Collected {
  /** What V8 has compiled. */
  readonly code: number
  /** What the program holds, in the heap and outside. */
  readonly data: number
}

const POLL_MS = 50
const STORES = ['metadata', 'iam', 'kms']

/** `dir` takes two small files. Linux. */
export async function watchProcess(dir: string): Promise<Watch> {
  const [script, told, asked] = ['watch.mjs', 'told.json', 'asked.json'].map((name) => path.join(dir, name))
  if (script === undefined || told === undefined || asked === undefined) throw new Error('no names')
  await writeFile(script, insideTheProcess(told, asked))
  return {
    nodeOptions: ['--expose-gc', '--import', pathToFileURL(script).href],
    take: async (dataDir, withDisk) => {
      const inside: Record<string, number> = JSON.parse(await readFile(told, 'utf8').catch(() => '{}'))
      const disk = withDisk ? await onDisk(dataDir) : {}
      return { atMs: Date.now(), values: { ...inside, ...disk } }
    },
    collected: async (pid) => {
      await writeFile(asked, '')
      process.kill(pid, 'SIGUSR2')
      for (;;) {
        await sleep(POLL_MS)
        const text = await readFile(asked, 'utf8')
        if (text.endsWith('\n')) return JSON.parse(text)
      }
    },
  }
}

async function onDisk(dataDir: string): Promise<Record<string, number>> {
  const blobs = await usage(path.join(dataDir, 'blobs'))
  const audit = await usage(path.join(dataDir, 'audit'))
  const stores = await Promise.all(STORES.map((name) => usage(path.join(dataDir, name))))
  return {
    'files of blobs': blobs.files,
    'bytes of blobs': blobs.bytes,
    'bytes of the audit log': audit.bytes,
    'bytes of LevelDB': stores.reduce((sum, { bytes }) => sum + bytes, 0),
    'files of LevelDB': stores.reduce((sum, { files }) => sum + files, 0),
  }
}

/**
 * Every two seconds what only the process itself knows. The heap is told as the last full collection of its own left it: what the
 * program holds apart from what V8 has compiled of it, which grows for hours, for a function is compiled when it has run often enough.
 */
const insideTheProcess = (told: string, asked: string): string => `
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { readdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'

if (isMainThread) {
  const kept = {}
  const inHeap = () => {
    let [code, all] = [0, 0]
    for (const { space_name: name, space_used_size: bytes } of getHeapSpaceStatistics()) {
      all += bytes
      if (/^(shared_)?(code|trusted)_/.test(name)) code += bytes
    }
    return { code, data: all - code }
  }
  new PerformanceObserver((list) => {
    if (!list.getEntries().some(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR)) return
    const { code, data } = inHeap()
    Object.assign(kept, { 'heap after a full collection': code + data, 'code in the heap': code, 'data in the heap': data })
  }).observe({ entryTypes: ['gc'] })
  // Pages of files (LevelDB maps its tables) are given back by the kernel as it likes; the others are the process's own.
  const resident = () => {
    const status = readFileSync('/proc/self/status', 'utf8')
    const bytes = (field) => Number(new RegExp('^' + field + ':\\\\s+(\\\\d+) kB$', 'm').exec(status)?.[1] ?? 0) * 1024
    return { resident: bytes('VmRSS'), 'resident, not of files': bytes('RssAnon'), 'resident, of files': bytes('RssFile') }
  }
  const open = () => {
    const count = { descriptors: 0, 'files of blobs kept open': 0 }
    const files = new Set()
    for (const fd of readdirSync('/proc/self/fd')) {
      let target = ''
      try { target = readlinkSync('/proc/self/fd/' + fd) } catch { continue }
      // A file that was removed, or is open once more, is none that the cache keeps.
      const isKept = target.includes('/data/blobs/') && !target.endsWith(' (deleted)') && !files.has(target)
      count[isKept ? 'files of blobs kept open' : 'descriptors']++
      files.add(target)
    }
    return count
  }
  setInterval(() => {
    const { heapUsed, external, arrayBuffers } = process.memoryUsage()
    const resources = process.getActiveResourcesInfo()
    const of = (...names) => resources.filter((name) => names.includes(name)).length
    const now = { ...kept, ...resident(), heap: heapUsed, 'heap, resident': getHeapStatistics().total_physical_size, external, buffers: arrayBuffers, ...open(),
      sockets: of('TCPSocketWrap', 'TCPWRAP'), handles: resources.length }
    writeFileSync(${JSON.stringify(told)} + '.new', JSON.stringify(now))
    renameSync(${JSON.stringify(told)} + '.new', ${JSON.stringify(told)})
  }, 2000).unref()
  process.on('SIGUSR2', async () => {
    for (let count = 0; count < 3; count++) {
      globalThis.gc()
      await sleep(100)
    }
    const { code, data } = inHeap()
    writeFileSync(${JSON.stringify(asked)}, JSON.stringify({ code, data: data + process.memoryUsage().external }) + '\\n')
  })
}
`
