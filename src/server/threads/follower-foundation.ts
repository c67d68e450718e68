import { join, resolve } from 'node:path'
import { openInstanceKey } from '../../envelope/instance-key.ts'
import { recordCipher } from '../../envelope/record-cipher.ts'
import { openLevelFollower } from '../../storage/metadata/level-store.ts'
import { type FollowingNonces, openNonceSource, openSalts } from '../../storage/metadata/nonce-source.ts'
import { sealedStore } from '../../storage/metadata/sealed-store.ts'
import type { Foundation, OpenStore } from '../foundation.ts'
import type { Config } from '../settings.ts'
import type { StoreName } from '../stores.ts'
import { forwardedCommits } from './forwarded-commits.ts'
import type { Line } from './line.ts'
import type { OwnerCalls } from './messages.ts'

export interface FollowerFoundation extends Foundation {
  /** Of a store that is open. */
  readonly nonces: (name: StoreName) => FollowingNonces | undefined
}

/** The stores and the instance key, as the thread that owns them has them open. */
export async function layFollowerFoundation(
  config: Config,
  line: Pick<Line<OwnerCalls>, 'askLast'>,
  scope: AsyncDisposableStack,
): Promise<FollowerFoundation> {
  const dataDir = resolve(config['data-dir'])
  const passphrase = config['instance-passphrase']?.reveal()
  const keyFile = passphrase === undefined ? (config['instance-key-file'] ?? `${dataDir}.key`) : undefined
  const instanceKey = scope.use(
    await openInstanceKey({
      sealFile: join(dataDir, 'instance-key.json'),
      ...(keyFile === undefined ? {} : { keyFile }),
      ...(passphrase === undefined ? {} : { passphrase }),
    }),
  )
  const opened = new Map<StoreName, FollowingNonces>()
  const openStore = async (name: StoreName): Promise<OpenStore> => {
    const raw = await openLevelFollower(join(dataDir, name), forwardedCommits(name, line))
    scope.defer(() => raw.close())
    // Who there is and which keys there are is changed by the owner alone.
    const nonces = name === 'metadata' ? await openNonceSource(raw) : await openSalts(raw)
    opened.set(name, nonces)
    const cipher = recordCipher(instanceKey.derive('records'), nonces, `records/${name}`)
    return { store: sealedStore(raw, cipher), nonces }
  }
  return { dataDir, instanceKey, keyFile, openStore, nonces: (name) => opened.get(name) }
}
