import { readFile, stat } from 'node:fs/promises'
import type { TlsMaterial, TlsSource } from '../api/common/edge-server.ts'
import { type CertificateFault, checkServerCertificate } from '../base/server-certificate.ts'
import type { Logger } from '../observe/logger.ts'
import type { Gauge } from '../observe/metrics.ts'
import { invalidConfig } from './config-error.ts'
import { refuseShared } from './secret-file.ts'
import type { Config } from './settings.ts'

/** Renewed certificates are seen this soon. */
const LOOK_MS = 5000
const EXPIRES_SOON_MS = 14 * 86_400_000

export interface TlsFiles extends TlsSource, Disposable {
  /** Looks at once whether the files are others than before. */
  readonly look: () => Promise<void>
  readonly gauge: () => Gauge
}

export interface TlsPaths {
  readonly certificateFile: string
  readonly keyFile: string
}

interface Shown {
  readonly material: TlsMaterial
  readonly endsMs: number
}

/** Undefined without a certificate in the settings. */
export async function followTls(
  config: Config,
  log: Logger,
  scope: AsyncDisposableStack,
): Promise<TlsFiles | undefined> {
  const { 'tls.certificate-file': certificateFile, 'tls.key-file': keyFile } = config
  if (certificateFile === undefined || keyFile === undefined) return undefined
  return scope.use(await followTlsFiles({ certificateFile, keyFile }, log))
}

/**
 * Certificate and key of the listeners, followed while the process runs: whatever renews them replaces the files. What
 * cannot be used is told and left, and the former certificate goes on. Throws ConfigInvalid when there is none to begin with.
 */
export async function followTlsFiles(paths: TlsPaths, log: Logger): Promise<TlsFiles> {
  let seen = await traceOf(paths)
  let shown = await read(paths)
  /** What has been told of files that cannot be used. */
  let told: string | undefined
  const listeners = new Set<(material: TlsMaterial) => void>()
  tellExpiry(shown, log)

  const look = async (): Promise<void> => {
    const now = await traceOf(paths)
    if (now === seen) return
    try {
      const renewed = await read(paths)
      for (const listener of listeners) listener(renewed.material)
      shown = renewed
      seen = now
      told = undefined
      log.info({ ends: dateOf(shown) }, 'the certificate of the listeners was renewed')
      tellExpiry(shown, log)
    } catch (err) {
      // Between the two files being replaced they do not belong together; and what is wrong may be their rights, which
      // are set without a trace, or nothing of theirs. The next look tries again.
      const what = `${now} ${String(err)}`
      if (told === what) return
      told = what
      log.error({ err }, 'the new certificate of the listeners cannot be used, the former one goes on')
    }
  }
  const timer = setInterval(() => void look(), LOOK_MS).unref()
  return {
    current: () => shown.material,
    onRenewed: (listener) => void listeners.add(listener),
    look,
    gauge: () => ({
      name: 'coffer_tls_certificate_expiry_seconds',
      help: 'When the certificate of the listeners ends, in seconds since 1970.',
      type: 'gauge',
      samples: [{ labels: { listener: 'all' }, value: shown.endsMs / 1000 }],
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

const FAULTS: Readonly<Record<CertificateFault, (paths: TlsPaths) => string>> = {
  'not-a-certificate': ({ certificateFile }) => `${certificateFile} is no certificate in PEM`,
  'not-a-key': ({ keyFile }) => `${keyFile} is no private key in PEM without a passphrase`,
  'not-its-key': ({ certificateFile, keyFile }) =>
    `the key in ${keyFile} is not the one of the first certificate in ${certificateFile}`,
  'not-usable': ({ certificateFile, keyFile }) => `${certificateFile} and ${keyFile} cannot be used for TLS`,
}

async function read(paths: TlsPaths): Promise<Shown> {
  const cert = await textOf('COFFER_TLS_CERTIFICATE_FILE', paths.certificateFile)
  const key = await textOf('COFFER_TLS_KEY_FILE', paths.keyFile)
  refuseShared('COFFER_TLS_KEY_FILE', paths.keyFile)
  const found = checkServerCertificate(cert, key)
  if (typeof found === 'string') throw invalidConfig(FAULTS[found](paths))
  return { material: { cert, key }, endsMs: found.endsMs }
}

async function textOf(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw invalidConfig(`${setting}: ${path} cannot be read`, error)
  }
}

const dateOf = ({ endsMs }: Shown): string => new Date(endsMs).toISOString()

function tellExpiry(shown: Shown, log: Logger): void {
  const leftMs = shown.endsMs - Date.now()
  const ends = dateOf(shown)
  if (leftMs < 0) log.error({ ends }, 'the certificate of the listeners has expired: clients will refuse it')
  else if (leftMs < EXPIRES_SOON_MS) log.warn({ ends }, 'the certificate of the listeners expires soon')
}
