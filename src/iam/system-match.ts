import type { Instance, SystemAuthorization } from './records.ts'
import type { Target } from './target.ts'

export function systemCovers({ source, target }: SystemAuthorization, asking: Instance, wanted: Target): boolean {
  return (
    source.service === asking.service &&
    (source.instance === undefined || source.instance === asking.guid) &&
    target.service === wanted.service &&
    target.instance === wanted.instance &&
    (target.resourceType === undefined || target.resourceType === wanted.resourceType) &&
    (target.resource === undefined || target.resource === wanted.resource)
  )
}
