import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { TlsMaterial, TlsSource } from '../api/common/edge-server.ts'
import type { Gauge } from '../api/common/metrics.ts'
import type { Logger } from '../observe/logger.ts'
import { invalidConfig } from './config-error.ts'
import { refuseShared } from './secret-file.ts'

/** Renewed certificates are seen this soon. */
const LOOK_MS = 5000
const DAY_MS = 86_400_000
const EXPIRES_SOON_MS = 14 * DAY_MS

export interface TlsFiles extends TlsSource, Disposable {
  /** Looks at once whether the files are others than before. */
  readonly look: () => Promise<void>
  readonly gauge: () => Gauge
}

export interface TlsPaths {
  readonly certificateFile: string
  readonly keyFile: string
}

/**
 * Certificate and key of the listeners, followed while the process runs: whatever renews them replaces the files. What
 * cannot be used is told and left, and the former certificate goes on. Throws ConfigInvalid when there is none to begin with.
 */
export async function followTlsFiles(paths: TlsPaths, log: Logger, lookMs = LOOK_MS): Promise<TlsFiles> {
  let seen = await traceOf(paths)
  let { material, leaf } = await read(paths)
  const listeners = new Set<(material: TlsMaterial) => void>()
  tellExpiry(leaf, log)

  const look = async (): Promise<void> => {
    const now = await traceOf(paths)
    if (now === seen) return
    seen = now
    try {
      const renewed = await read(paths)
      ;({ material, leaf } = renewed)
      for (const listener of listeners) listener(material)
      log.info({ validTo: leaf.validTo }, 'the certificate of the listeners was renewed')
      tellExpiry(leaf, log)
    } catch (err) {
      // Between the two files being replaced they do not belong together: the next look finds the second one new.
      log.error({ err }, 'the new certificate of the listeners cannot be used, the former one goes on')
    }
  }
  const timer = setInterval(() => void look(), lookMs).unref()
  return {
    current: () => material,
    onRenewed: (listener) => void listeners.add(listener),
    look,
    gauge: () => ({
      name: 'coffer_tls_certificate_expiry_seconds',
      help: 'When the certificate of the listeners ends, in seconds since 1970.',
      label: 'listener',
      values: { all: Date.parse(leaf.validTo) / 1000 },
    }),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

/** Changes with every replacement, also one through a symbolic link. */
async function traceOf({ certificateFile, keyFile }: TlsPaths): Promise<string> {
  const one = async (path: string): Promise<string> => {
    const found = await stat(path, { bigint: true }).catch(() => undefined)
    return found ? `${found.dev}:${found.ino}:${found.mtimeNs}:${found.size}` : 'none'
  }
  return `${await one(certificateFile)} ${await one(keyFile)}`
}

async function read({ certificateFile, keyFile }: TlsPaths): Promise<{ material: TlsMaterial; leaf: X509Certificate }> {
  const cert = await textOf('COFFER_TLS_CERTIFICATE_FILE', certificateFile)
  const key = await textOf('COFFER_TLS_KEY_FILE', keyFile)
  refuseShared('COFFER_TLS_KEY_FILE', keyFile)
  const leaf = parsed(() => new X509Certificate(cert), `${certificateFile} is no certificate in PEM`)
  const privateKey = parsed(() => createPrivateKey(key), `${keyFile} is no private key in PEM without a passphrase`)
  if (!leaf.checkPrivateKey(privateKey)) {
    throw invalidConfig(`the key in ${keyFile} is not the one of the first certificate in ${certificateFile}`)
  }
  parsed(() => createSecureContext({ cert, key }), `${certificateFile} and ${keyFile} cannot be used for TLS`)
  return { material: { cert, key }, leaf }
}

async function textOf(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw invalidConfig(`${setting}: ${path} cannot be read`, error)
  }
}

function parsed<Value>(parse: () => Value, otherwise: string): Value {
  try {
    return parse()
  } catch (error) {
    throw invalidConfig(otherwise, error)
  }
}

function tellExpiry({ validTo }: X509Certificate, log: Logger): void {
  const leftMs = Date.parse(validTo) - Date.now()
  if (leftMs < 0) log.error({ validTo }, 'the certificate of the listeners has expired: clients will refuse it')
  else if (leftMs < EXPIRES_SOON_MS) log.warn({ validTo }, 'the certificate of the listeners expires soon')
}
