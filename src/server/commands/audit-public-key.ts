import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openSigningKey } from '../../audit/keys.ts'
import { openInstanceKey } from '../../envelope/instance-key.ts'
import { processEnvironment, readConfig } from '../config.ts'
import { COMMAND_EXIT, type Streams, usageError } from './command.ts'

/** Takes the settings of a server and needs its instance key, not its lock: it may be running. */
export async function auditPublicKey(args: readonly string[], { out }: Streams): Promise<number> {
  const config = readConfig(args, processEnvironment())
  const dataDir = resolve(config['data-dir'])
  const sealFile = join(dataDir, 'instance-key.json')
  // Opening a key where there is none makes one.
  if (!(await stat(sealFile).catch(() => undefined))) throw usageError(`there is no store in ${dataDir}`)
  const passphrase = config['instance-passphrase']?.reveal()
  using instanceKey = await openInstanceKey({
    sealFile,
    ...(passphrase === undefined ? { keyFile: config['instance-key-file'] ?? `${dataDir}.key` } : { passphrase }),
  })
  const seed = instanceKey.derive('audit')
  const { publicKeyPem } = openSigningKey(seed)
  seed.fill(0)
  out.write(publicKeyPem)
  return COMMAND_EXIT.done
}
