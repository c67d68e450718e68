import { applyBootstrap } from '../iam/bootstrap.ts'
import { type Iam, openIam } from '../iam/iam.ts'
import { isShared, readBootstrap } from './bootstrap-file.ts'
import type { RoomOptions } from './room.ts'

/** Who there is and who may do what: both halves have identities of their own. */
export async function openIdentities({ config, log, clock, foundation }: RoomOptions): Promise<Iam> {
  const { instanceKey, openStore } = foundation
  const { store } = await openStore('iam')
  const iam = await openIam({
    store,
    secretKey: instanceKey.derive('iam'),
    tokenKey: instanceKey.derive('token'),
    clock,
    issuer: config['iam.issuer'],
  })
  const bootstrapFile = config['bootstrap-file']
  if (bootstrapFile === undefined) return iam
  await applyBootstrap(iam, await readBootstrap(bootstrapFile))
  if (await isShared(bootstrapFile)) {
    log.warn(`the bootstrap file ${bootstrapFile} holds secrets and may be read by others: chmod 600 ${bootstrapFile}`)
  }
  return iam
}
