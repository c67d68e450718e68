import type { LifecycleConfiguration, LifecycleFilter, LifecycleRule } from '../../../objects/lifecycle/rule.ts'
import type { XmlContent } from '../xml/encode.ts'

export const lifecycleContent = ({ rules }: LifecycleConfiguration): XmlContent => ({ Rule: rules.map(ruleContent) })

const iso = (dateMs: number | undefined): string | undefined =>
  dateMs === undefined ? undefined : new Date(dateMs).toISOString()

function ruleContent(rule: LifecycleRule): XmlContent {
  const { expiration, noncurrentExpiration, transitions = [], noncurrentTransitions = [] } = rule
  return {
    ID: rule.id,
    ...(rule.plainPrefix ? { Prefix: rule.filter.prefix ?? '' } : { Filter: filterContent(rule.filter) }),
    Status: rule.enabled ? 'Enabled' : 'Disabled',
    Expiration: expiration && {
      Days: expiration.days,
      Date: iso(expiration.dateMs),
      ExpiredObjectDeleteMarker: expiration.expiredDeleteMarker,
    },
    Transition: transitions.map(({ days, dateMs, storageClass }) => ({
      Days: days,
      Date: iso(dateMs),
      StorageClass: storageClass,
    })),
    NoncurrentVersionExpiration: noncurrentExpiration && {
      NoncurrentDays: noncurrentExpiration.days,
      NewerNoncurrentVersions: noncurrentExpiration.newerVersions,
    },
    NoncurrentVersionTransition: noncurrentTransitions.map(({ days, newerVersions, storageClass }) => ({
      NoncurrentDays: days,
      NewerNoncurrentVersions: newerVersions,
      StorageClass: storageClass,
    })),
    AbortIncompleteMultipartUpload:
      rule.abortUploadDays === undefined ? undefined : { DaysAfterInitiation: rule.abortUploadDays },
  }
}

function filterContent({ prefix, tags = [], largerThan, smallerThan }: LifecycleFilter): XmlContent {
  const conditions = {
    ...(prefix === undefined ? {} : { Prefix: prefix }),
    ...(tags.length > 0 ? { Tag: tags.map(([Key, Value]) => ({ Key, Value })) } : {}),
    ...(largerThan === undefined ? {} : { ObjectSizeGreaterThan: largerThan }),
    ...(smallerThan === undefined ? {} : { ObjectSizeLessThan: smallerThan }),
  }
  const count = Object.keys(conditions).length - (tags.length > 0 ? 1 : 0) + tags.length
  return count > 1 ? { And: conditions } : conditions
}
