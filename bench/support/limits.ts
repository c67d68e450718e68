import { spawn } from 'node:child_process'
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { handOver, spend } from '../../src/base/spent-memory.ts'
import { cpuSeconds } from './cpu-seconds.ts'
import { type LoadResult, runLoad } from './load.ts'
import { writePlainPlan } from './plan.ts'
import { MIB } from './workloads.ts'

const RUN_MS = 400
const SEGMENT_BYTES = 64 * 1024

/** Bytes a second that one core, or the disk, can do: the best of a few short runs. */
export interface MachineLimits {
  readonly gcm: number
  readonly md5: number
  readonly sha256: number
  /** Appending 1 MiB pieces with an fdatasync after each 8. */
  readonly disk: number
  /** fdatasyncs of a small append, one after the other, a second. */
  readonly syncs: number
}

export async function machineLimits(dir: string): Promise<MachineLimits> {
  const piece = randomBytes(SEGMENT_BYTES)
  const key = randomBytes(32)
  let counter = 0
  const gcm = best(() => {
    const nonce = Buffer.alloc(12)
    nonce.writeUInt32BE(++counter, 8)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    // Freed at once: otherwise it is V8's collector that is measured.
    spend(handOver(cipher.update(piece)))
    cipher.final()
    cipher.getAuthTag()
  })
  const md5 = createHash('md5')
  const sha256 = createHash('sha256')
  return {
    gcm,
    md5: best(() => void md5.update(piece)),
    sha256: best(() => void sha256.update(piece)),
    ...(await diskLimits(dir)),
  }
}

function best(step: () => void): number {
  let most = 0
  for (let run = 0; run < 5; run++) {
    const startedAt = performance.now()
    let steps = 0
    for (; performance.now() - startedAt < RUN_MS / 5; steps++) step()
    most = Math.max(most, (steps * SEGMENT_BYTES * 1000) / (performance.now() - startedAt))
  }
  return most
}

async function diskLimits(dir: string): Promise<{ disk: number; syncs: number }> {
  const name = path.join(dir, 'limit')
  const file = await open(name, 'w')
  try {
    const large = randomBytes(MIB)
    const startedAt = performance.now()
    let bytes = 0
    while (performance.now() - startedAt < 3 * RUN_MS) {
      for (let n = 0; n < 8; n++) bytes += (await file.write(large)).bytesWritten
      await file.datasync()
    }
    const disk = (bytes * 1000) / (performance.now() - startedAt)
    const small = large.subarray(0, 4096)
    const beganAt = performance.now()
    let syncs = 0
    for (; performance.now() - beganAt < RUN_MS; syncs++) {
      await file.write(small)
      await file.datasync()
    }
    return { disk, syncs: (syncs * 1000) / (performance.now() - beganAt) }
  } finally {
    await file.close()
    await rm(name)
  }
}

export interface BareServer extends AsyncDisposable {
  readonly load: (options: BareLoad) => Promise<LoadResult & { readonly cpuMicros: number }>
}

interface BareLoad {
  readonly method: 'GET' | 'PUT' | 'HEAD'
  /** What a GET is answered with: bytes in memory, or the beginning of a file, as a plain file server would. */
  readonly from?: 'memory' | 'file'
  readonly sizeBytes: number
  readonly connections: number
  readonly measuredMs: number
  readonly payload: string
}

/** node:http in a process of its own, with nothing behind it but the file. */
export async function bareServer(dir: string, file: string): Promise<BareServer> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./bare-server.ts', import.meta.url)), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed]: Buffer[] = await once(child.stdout, 'data')
  const port = Number(String(printed))
  const { pid } = child
  if (pid === undefined) throw new Error('the bare server did not start')
  return {
    load: async ({ method, from = 'memory', sizeBytes, connections, measuredMs, payload }) => {
      const plan = path.join(dir, 'bare.plan')
      const bodyBytes = method === 'PUT' ? sizeBytes : 0
      await writePlainPlan(plan, `127.0.0.1:${port}`, { method, path: `/${from}/${sizeBytes}`, bodyBytes })
      const before = cpuSeconds(pid)
      const result = await runLoad({
        host: '127.0.0.1',
        port,
        connections,
        plan,
        payload,
        warmUpMs: measuredMs / 4,
        measuredMs,
        loop: true,
      })
      return { ...result, cpuMicros: ((cpuSeconds(pid) - before) * 1e6) / result.allAnswers }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await once(child, 'exit')
    },
  }
}
