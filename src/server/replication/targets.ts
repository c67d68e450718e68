import type { ReplicationTarget } from '../../objects/replication/target.ts'
import type { Config } from '../settings.ts'
import { s3Target } from './s3-target.ts'

/** What the settings declare, by name. */
export function replicationTargets(
  config: Pick<Config, 's3.replication-targets' | 's3.replication-credentials'>,
): ReadonlyMap<string, ReplicationTarget> {
  const targets = new Map<string, ReplicationTarget>()
  for (const declared of config['s3.replication-targets']) {
    const credentials = config['s3.replication-credentials']?.get(declared.name)
    if (credentials) targets.set(declared.name, s3Target(declared, credentials))
  }
  return targets
}
