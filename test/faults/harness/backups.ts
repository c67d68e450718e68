import { rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mainAccount } from '../../support/bootstrap.ts'
import { runCommand, startCommand } from '../../support/coffer-command.ts'
import { s3ClientFor } from '../../support/s3.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { check } from './check.ts'
import type { Model } from './model.ts'

export interface Backups {
  /** One after the other until `signal`, the last of them killed. */
  readonly during: (signal: AbortSignal) => Promise<void>
  readonly taken: () => number
  /** One more of the server that runs, and all are verified; a server on the last one must show what the model says. */
  readonly drill: (model: Model, buckets: readonly string[]) => Promise<readonly string[]>
}

export interface BackupsOptions {
  readonly directory: string
  readonly dataDir: string
  /** Of the server. */
  readonly settings: Readonly<Record<string, string>>
}

const BREATH_MS = 200

/** Backups of a rig, into a repository beside it. */
export function backupsOf({ directory, dataDir, settings }: BackupsOptions): Backups {
  const repository = path.join(directory, 'backups')
  const keyFile = `${dataDir}.key`
  const of = (dir: string) => ({ COFFER_DATA_DIR: dir, COFFER_INSTANCE_KEY_FILE: keyFile })
  let taken = 0
  return {
    taken: () => taken,
    during: async (signal) => {
      while (!signal.aborted) {
        const { child, result } = startCommand(['backup', 'create', repository], of(dataDir))
        const kill = (): void => void child.kill('SIGKILL')
        signal.addEventListener('abort', kill, { once: true })
        if ((await result).status === 0) taken++
        signal.removeEventListener('abort', kill)
        await sleep(BREATH_MS, undefined, { signal }).catch(() => undefined)
      }
    },
    drill: async (model, buckets) => {
      const wrong: string[] = []
      const expectDone = async (what: string, args: readonly string[], dir: string): Promise<void> => {
        const { status, out, err } = await runCommand(args, of(dir))
        if (status !== 0) wrong.push(`${what} ended with ${status}: ${out}${err}`)
      }
      await expectDone('a backup', ['backup', 'create', repository], dataDir)
      await expectDone('the verification of all backups', ['backup', 'verify', repository, '--all'], dataDir)
      const restored = path.join(directory, 'restored')
      await expectDone('a restore', ['restore', repository], restored)
      if (wrong.length > 0) return wrong
      const own = { ...settings, COFFER_INSTANCE_KEY_FILE: keyFile }
      await using server = await startServerProcess({ dataDir: restored, settings: own })
      const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
      const { violations } = await check(client, model, buckets)
      client.destroy()
      await server.stop()
      await rm(restored, { recursive: true })
      return violations.map((violation) => `of the restored store: ${violation}`)
    },
  }
}
