import { keyLabel } from '../../client/key-protect.ts'
import { lastOfCrn, shortId } from '../../format.ts'
import { useLoad } from '../../use-load.ts'
import { type KnownKey, readKeys } from '../buckets/read-buckets.ts'

/** What people call root keys, by their ids: of those that whoever is signed in may see. */
export type NamedKeys = ReadonlyMap<string, string>

export const namesOf = (keys: readonly KnownKey[]): NamedKeys => new Map(keys.map(({ key }) => [key.id, keyLabel(key)]))

export const useKeyNames = (): NamedKeys => namesOf(useLoad(readKeys, [], { topics: ['keys'] }).value ?? [])

/** `crn`: or a mere id. */
export const nameOfKey = (crn: string, names: NamedKeys): string => names.get(lastOfCrn(crn)) ?? shortId(lastOfCrn(crn))
