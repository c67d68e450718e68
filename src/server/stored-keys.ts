import type { Clock } from '../base/clock.ts'
import type { KeyProvider } from '../envelope/key-provider.ts'
import { type Iam, openIam } from '../iam/iam.ts'
import { type KmsService, openKms } from '../kms/service.ts'
import type { Logger } from '../observe/logger.ts'
import { kmsSettings } from './keys-room.ts'
import { openProviders } from './providers-room.ts'
import type { Config } from './settings.ts'
import type { StoredData } from './stored-data.ts'

export interface StoredKeys {
  readonly iam: Iam
  /** Undefined where the keys are elsewhere. */
  readonly kms: KmsService | undefined
  /** Asks as the store itself would: states and authorizations of root keys hold. */
  readonly provider: KeyProvider
}

/** A row of `iam` or `kms` that cannot be read, in words. */
export interface StoredKeyDamage {
  readonly store: 'iam' | 'kms'
  readonly what: string
  readonly cause: unknown
}

/**
 * Identities and root keys of a stopped server, as it would open them, and nothing else of it: no sweep destroys keys, no
 * signing key is made. Key services elsewhere are asked.
 */
export async function openStoredKeys(options: {
  readonly config: Config
  readonly data: StoredData
  readonly clock: Clock
  readonly log: Logger
  readonly scope: AsyncDisposableStack
  readonly onDamage: (damage: StoredKeyDamage) => void
}): Promise<StoredKeys> {
  const { config, data, clock, log, scope, onDamage } = options
  const { instanceKey, openStore, stores } = data
  const { store } = await openStore('iam')
  const iam = await openIam({
    store,
    secretKey: instanceKey.derive('iam'),
    tokenKey: instanceKey.derive('token'),
    clock,
    issuer: config['iam.issuer'],
    onDamage: ({ space, id, cause }) => onDamage({ store: 'iam', what: `row ${id} of space ${space}`, cause }),
  })
  const kms = stores.includes('kms') ? await openStoredKms() : undefined
  const { provider } = await openProviders({ config, log, scope }, iam, kms)
  return { iam, kms, provider }

  async function openStoredKms(): Promise<KmsService> {
    const opened = await openKms({
      store: (await openStore('kms')).store,
      sealingKey: instanceKey.derive('kms'),
      iam,
      clock,
      settings: kmsSettings(config),
      onDamage: ({ instanceId, keyId, what, cause }) =>
        onDamage({ store: 'kms', what: `${what} (instance ${instanceId}${keyId ? `, key ${keyId}` : ''})`, cause }),
    })
    scope.defer(() => opened.close())
    return opened
  }
}
