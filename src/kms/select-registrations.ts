import type { Principal } from '../iam/principal.ts'
import type { KeyEntry } from './catalog.ts'
import { type KmsContext, newestVersion } from './context.ts'
import type { KeyVersionView } from './key-view.ts'
import { ownsResource, type RegistrationRecord, resourceCrnMatcher } from './registrations.ts'

export interface RegistrationView extends RegistrationRecord {
  readonly keyId: string
  readonly keyName: string
  /** That the resource is protected with. */
  readonly keyVersion: KeyVersionView
}

export interface RegistrationFilter {
  /** A CRN with `*` for whole segments or at the end of the last one. */
  readonly resourceCrnQuery?: string
  readonly preventKeyDeletion?: boolean
}

// Key Protect: a query over all keys names everything up to the instance.
const FIXED_SEGMENTS_OF_ALL_KEYS = 8

/** Of one key, or of the keys in the rings that `of` holds for, as `viewer` may see them. Throws CrnQueryInvalid. */
export function selectRegistrations(
  context: KmsContext,
  viewer: Principal,
  instanceId: string,
  of: KeyEntry | ((ring: string) => boolean),
  { resourceCrnQuery, preventKeyDeletion }: RegistrationFilter,
): RegistrationView[] {
  const ofAll = typeof of === 'function'
  const matches =
    resourceCrnQuery === undefined
      ? () => true
      : resourceCrnMatcher(resourceCrnQuery, ofAll ? FIXED_SEGMENTS_OF_ALL_KEYS : 0)
  const entries = ofAll ? [...context.catalog.keysOf(instanceId)].filter(({ record }) => of(record.keyRingId)) : [of]
  return entries
    .flatMap((entry) => registrationViews(entry, viewer))
    .filter((view) => preventKeyDeletion === undefined || view.preventKeyDeletion === preventKeyDeletion)
    .filter((view) => matches(view.resourceCrn))
}

function registrationViews(entry: KeyEntry, viewer: Principal): RegistrationView[] {
  return [...entry.registrations.values()].map((record) => registrationView(entry, record, viewer))
}

export function registrationView(
  entry: KeyEntry,
  { registrationMetadata, ...record }: RegistrationRecord,
  viewer: Principal,
): RegistrationView {
  return {
    ...record,
    keyId: entry.id,
    keyName: entry.record.name,
    keyVersion: versionOf(entry, record.keyVersionId),
    // Key Protect: the service's own notes are for the service.
    ...(registrationMetadata !== undefined && ownsResource(viewer, record.resourceCrn) && { registrationMetadata }),
  }
}

/** Registrations of earlier releases name none. */
function versionOf(entry: KeyEntry, keyVersionId: string | undefined): KeyVersionView {
  const { id, createdAt } = entry.versions.find((version) => version.id === keyVersionId) ?? newestVersion(entry)
  return { id, createdAt }
}
