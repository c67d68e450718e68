type Kind = 'key' | 'key.version' | 'key_ring' | 'policy' | 'registration' | 'alias' | 'allowed_ip_metadata' | 'error'

/** Key Protect: an empty list has `collectionTotal: 0` and no `resources` member. */
export function collection(kind: Kind, resources: readonly object[], metadata: object = {}): object {
  return {
    metadata: {
      collectionType: mediaType(kind),
      collectionTotal: resources.length,
      ...metadata,
    },
    ...(resources.length === 0 ? {} : { resources }),
  }
}

export const mediaType = (kind: Kind): string => `application/vnd.ibm.kms.${kind}+json`

/** RFC 3339 in UTC, whole seconds. */
export const wireTime = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
