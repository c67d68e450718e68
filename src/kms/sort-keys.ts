import type { KeyEntry } from './catalog.ts'
import { type KmsContext, stateOf } from './context.ts'
import { KEY_STATE } from './key-states.ts'
import type { KeyRecord } from './keys.ts'

export const KEY_DATES = ['creationDate', 'lastUpdateDate', 'lastRotateDate', 'deletionDate', 'expirationDate'] as const
export type KeyDate = (typeof KEY_DATES)[number]

export const SORT_PROPERTIES = ['id', 'state', 'extractable', 'imported', ...KEY_DATES] as const
export type SortProperty = (typeof SORT_PROPERTIES)[number]

export interface SortTerm {
  readonly property: SortProperty
  readonly descending: boolean
}

/** The date as the key shows it: a restored key has no deletion date. */
export function keyDate(record: KeyRecord, date: KeyDate): number | undefined {
  switch (date) {
    case 'creationDate':
      return record.createdAt
    case 'lastUpdateDate':
      return record.updatedAt
    case 'lastRotateDate':
      return record.rotatedAt
    case 'deletionDate':
      return record.state === KEY_STATE.destroyed ? record.deletedAt : undefined
    case 'expirationDate':
      return record.expiresAt
  }
}

/** Earlier terms weigh more. What a key does not have comes last, in descending order first. */
export function compareKeys(context: KmsContext, terms: readonly SortTerm[]): (a: KeyEntry, b: KeyEntry) => number {
  return (a, b) => {
    for (const { property, descending } of terms) {
      const order = compare(propertyOf(context, a, property), propertyOf(context, b, property))
      if (order !== 0) return descending ? -order : order
    }
    return 0
  }
}

function propertyOf(context: KmsContext, entry: KeyEntry, property: SortProperty): string | number | undefined {
  switch (property) {
    case 'id':
      return entry.id
    case 'state':
      return stateOf(context, entry)
    case 'extractable':
      return Number(entry.record.extractable)
    case 'imported':
      return Number(entry.record.imported)
    default:
      return keyDate(entry.record, property)
  }
}

function compare(a: string | number | undefined, b: string | number | undefined): number {
  if (a === b) return 0
  if (a === undefined) return 1
  if (b === undefined) return -1
  return a < b ? -1 : 1
}
