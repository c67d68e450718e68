import { readFile } from 'node:fs/promises'
import { checkServerCertificate } from '../../base/server-certificate.ts'
import type { ClientCertificate } from './http-exchange.ts'

/** Renewed certificates are used this soon. */
const LOOK_MS = 10_000

export interface FollowedCertificate extends Disposable {
  readonly current: () => ClientCertificate
}

/**
 * What a client shows, followed while the process runs: short-lived certificates are replaced in their files. What cannot
 * be used is told once and left. Throws what is wrong when there is none to begin with.
 */
export async function followClientCertificate(
  { certificateFile, keyFile }: { readonly certificateFile: string; readonly keyFile: string },
  onTrouble: (error: unknown) => void,
): Promise<FollowedCertificate> {
  const read = async (): Promise<ClientCertificate> => {
    const [cert, key] = await Promise.all([readFile(certificateFile, 'utf8'), readFile(keyFile, 'utf8')])
    const found = checkServerCertificate(cert, key)
    if (typeof found === 'string') throw new Error(`${certificateFile} and ${keyFile}: ${found}`)
    return { cert, key }
  }
  let current = await read()
  let told: string | undefined
  const look = async (): Promise<void> => {
    try {
      const found = await read()
      if (found.cert !== current.cert || found.key !== current.key) current = found
      told = undefined
    } catch (error) {
      if (told === String(error)) return
      told = String(error)
      onTrouble(error)
    }
  }
  const timer = setInterval(() => void look(), LOOK_MS).unref()
  return { current: () => current, [Symbol.dispose]: () => clearInterval(timer) }
}
