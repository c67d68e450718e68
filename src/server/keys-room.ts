import type { Iam } from '../iam/iam.ts'
import { type KmsService, openKms } from '../kms/service.ts'
import { DEFAULT_KMS_SETTINGS, type KmsSettings } from '../kms/settings.ts'
import type { RoomOptions } from './room.ts'
import type { Config } from './settings.ts'

/** The keys half: root keys behind their one door. */
export async function openKeys(
  { config, log, clock, scope, foundation, audit }: RoomOptions,
  iam: Iam,
): Promise<KmsService> {
  const { store } = await foundation.openStore('kms')
  const kms = await openKms({
    store,
    sealingKey: foundation.instanceKey.derive('kms'),
    iam,
    clock,
    settings: kmsSettings(config),
    audit: audit.keys,
    onDamage: ({ instanceId, keyId, what, cause: err }) =>
      log.error({ err, instanceId, keyId }, `${what} is damaged: it is refused until it is restored from a backup`),
    onListenerError: (err) => log.error({ err }, 'a key event was not taken in'),
  })
  scope.defer(() => kms.close())
  const sweep = (): void => void kms.sweep().catch((err: unknown) => log.error({ err }, 'key sweep failed'))
  const sweeping = setInterval(sweep, config['kms.sweep-interval-ms']).unref()
  scope.defer(() => clearInterval(sweeping))
  // A process that is started more often than that would never sweep.
  sweep()
  return kms
}

export const kmsSettings = (config: Config): KmsSettings => ({
  ...DEFAULT_KMS_SETTINGS,
  enableDelayMs: config['kms.enable-delay-ms'],
  restoreDelayMs: config['kms.restore-delay-ms'],
  rotateIntervalMs: config['kms.rotate-interval-ms'],
  restoreWindowMs: config['kms.restore-window-ms'],
  purgeDelayMs: config['kms.purge-delay-ms'],
  purgeAfterMs: config['kms.purge-after-ms'],
  dualAuthWindowMs: config['kms.dual-auth-window-ms'],
  rotationMonthMs: config['kms.rotation-month-ms'],
  syncIntervalMs: config['kms.sync-interval-ms'],
  privateNetworks: config['kms.private-networks'],
  networkPolicies: config['kms.network-policies'],
  networkPoliciesForServices: config['kms.network-policies-for-services'],
})
