import { z } from 'zod'
import { parseCrn } from '../../base/crn.ts'
import { hasCode } from '../../base/errors.ts'
import type { KmsAction } from '../../iam/actions.ts'
import type { Iam } from '../../iam/iam.ts'
import type { Principal } from '../../iam/principal.ts'
import type { KmsCaller } from '../../kms/door.ts'
import type { KmsErrorCode } from '../../kms/errors.ts'
import { KEY_STATE, type KeyState } from '../../kms/key-states.ts'
import type { KmsService } from '../../kms/service.ts'

/** Keys of this process; what a caller learns of them he learns at their own door. */
export type AdminKeys = Pick<KmsService, 'getKeyMetadata' | 'listKeyVersions' | 'keyStates' | 'explain'>

export const STATE_NAMES = ['pre-active', 'active', 'suspended', 'deactivated', 'destroyed'] as const
export type StateName = (typeof STATE_NAMES)[number]
const NAMES: Readonly<Record<KeyState, StateName>> = {
  [KEY_STATE.preActive]: 'pre-active',
  [KEY_STATE.active]: 'active',
  [KEY_STATE.suspended]: 'suspended',
  [KEY_STATE.deactivated]: 'deactivated',
  [KEY_STATE.destroyed]: 'destroyed',
}

export const rootKeyFace = z
  .object({
    crn: z.string(),
    name: z.string().optional(),
    aliases: z.array(z.string()).optional(),
    state: z.enum(STATE_NAMES).optional(),
  })
  .meta({
    description: 'Without a name and a state where the caller may not see the key, or it is of a service elsewhere.',
  })
export type RootKeyFace = z.output<typeof rootKeyFace>

export const versionFace = z.object({ id: z.string(), number: z.int().min(1), createdAt: z.iso.datetime() })
type VersionFace = z.output<typeof versionFace>

/** What one caller may see of root keys. */
export interface KeySight {
  readonly of: (rootKeyCrn: string) => RootKeyFace
  /** How many root keys of an instance are in each state, of those that the caller may see. */
  readonly states: (instanceGuid: string) => ReadonlyMap<StateName, number>
  /** Numbered from 1. Undefined for who may not see it, and for one that is gone or of a service elsewhere. */
  readonly version: (rootKeyCrn: string, versionId: string) => VersionFace | undefined
}

interface Looking {
  readonly iam: Pick<Iam, 'explain'>
  readonly principal: Principal
  readonly address: string | undefined
  readonly correlationId: string
}

const ALL = { offset: 0, limit: Number.MAX_SAFE_INTEGER }

export function keySight(kms: AdminKeys | undefined, looking: Looking): KeySight {
  const { iam, principal, address, correlationId } = looking
  const callerAt = (instanceGuid: string): KmsCaller => ({
    ...{ principal, instanceGuid, origin: 'wire', correlationId },
    ...(address === undefined ? {} : { address }),
  })
  /** Undefined for who may not. Nobody asked for the key itself, so the audit log has no refusal of it. */
  const look = <T>(crn: string, action: KmsAction, see: (kms: AdminKeys, caller: KmsCaller, key: string) => T) => {
    const { instance, resource } = parseCrn(crn)
    const caller = callerAt(instance)
    if (!kms?.explain(iam.explain, caller, action, resource).allowed) return undefined
    return unlessHidden(() => see(kms, caller, resource))
  }
  return {
    of: (crn) => {
      const view = look(crn, 'kms.secrets-metadata.read', (keys, caller, key) => keys.getKeyMetadata(caller, key))
      if (view?.crn !== crn) return { crn }
      const { record, aliases } = view
      return { crn, name: record.name, aliases: [...aliases], state: NAMES[view.state] }
    },
    states: (instanceGuid) => {
      const counts = kms?.keyStates(callerAt(instanceGuid)) ?? new Map<KeyState, number>()
      return new Map(Array.from(counts, ([state, count]) => [NAMES[state], count]))
    },
    version: (crn, versionId) => {
      const versions = look(crn, 'kms.secrets-key-versions.list', (keys, caller, key) =>
        keys.listKeyVersions(caller, key, ALL, { allKeyStates: true }),
      )
      const { items = [] } = versions ?? {}
      const at = items.findIndex(({ id }) => id === versionId)
      const found = items[at]
      return found && { id: found.id, number: items.length - at, createdAt: new Date(found.createdAt).toISOString() }
    },
  }
}

/** Undefined for what there is not, as far as the caller is told. */
function unlessHidden<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (hasCode<KmsErrorCode>(error, 'Unauthorized', 'InstanceNotFound', 'KeyNotFound', 'KeyUnavailable', 'KeyDamaged'))
      return undefined
    throw error
  }
}
