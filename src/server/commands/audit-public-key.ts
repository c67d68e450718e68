import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { openSigningKey } from '../../audit/keys.ts'
import { EXIT } from '../../base/exit-status.ts'
import { processEnvironment, readConfig } from '../config.ts'
import { givenInstanceKey, sealFileOf } from '../given-instance-key.ts'
import { type Streams, usageError } from './command.ts'
import { ownOptions } from './own-options.ts'

/** Takes the settings of a server and needs its instance key, not its lock: it may be running. */
export async function auditPublicKey(args: readonly string[], { out }: Streams): Promise<number> {
  const { flags, rest } = ownOptions(args, [], ['json'])
  const config = readConfig(rest, processEnvironment())
  const dataDir = resolve(config['data-dir'])
  // Opening a key where there is none makes one.
  if (!(await stat(sealFileOf(dataDir)).catch(() => undefined))) throw usageError(`there is no store in ${dataDir}`)
  using instanceKey = await givenInstanceKey(config, dataDir)
  const seed = instanceKey.derive('audit')
  const { publicKeyPem } = openSigningKey(seed)
  seed.fill(0)
  out.write(flags.has('json') ? `${JSON.stringify({ publicKeyPem })}\n` : publicKeyPem)
  return EXIT.done
}
