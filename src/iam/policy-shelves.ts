import type { CompiledPolicy } from './compiled-policy.ts'
import { exactValue, type Policy } from './policy.ts'
import type { Target } from './target.ts'

/** The policies of one subject, by the most telling thing that they say about the resource. */
interface Shelf {
  readonly byResource: Map<string, CompiledPolicy[]>
  /** Of a pattern for the resource: the text before its first wildcard. */
  readonly byPrefix: Map<string, CompiledPolicy[]>
  readonly byInstance: Map<string, CompiledPolicy[]>
  /** All others, under one key. */
  readonly rest: Map<string, CompiledPolicy[]>
  /** Of the prefixes: length → how many of that length there are. */
  readonly prefixLengths: Map<number, number>
}

export interface PolicyShelves {
  readonly add: (compiled: CompiledPolicy) => void
  readonly remove: (policy: Policy) => void
  /** The first of the subject's policies that may speak of the target and that `wanted` takes. */
  readonly find: (
    subject: string,
    target: Target,
    wanted: (compiled: CompiledPolicy) => boolean,
  ) => CompiledPolicy | undefined
  readonly all: (subject: string) => Iterable<CompiledPolicy>
}

/** What a policy is filed under. The parts have no `/`, but for the last. */
export const subjectOfIdentity = (accountId: string, iamId: string): string => `i/${accountId}/${iamId}`
export const subjectOfService = (accountId: string, instance: string): string => `s/${accountId}/${instance}`
export const ANY_INSTANCE = '*'

/** The key of a policy's subject. */
export function subjectOf({ type, accountId, subject }: Policy): string {
  if (type === 'access') return subjectOfIdentity(accountId, exactValue(subject, 'iam_id') ?? '')
  const instance = exactValue(subject, 'serviceInstance')?.toLowerCase() ?? ANY_INSTANCE
  return subjectOfService(exactValue(subject, 'accountId') ?? '', instance)
}

const REST = ''

export function createPolicyShelves(): PolicyShelves {
  const shelves = new Map<string, Shelf>()
  const newShelf = (): Shelf => ({
    byResource: new Map(),
    byPrefix: new Map(),
    byInstance: new Map(),
    rest: new Map(),
    prefixLengths: new Map(),
  })

  return {
    add: (compiled) => {
      const subject = subjectOf(compiled.policy)
      const shelf = shelves.get(subject) ?? newShelf()
      shelves.set(subject, shelf)
      const [lists, key] = placeOf(shelf, compiled.policy)
      const list = lists.get(key)
      if (list) list.push(compiled)
      else {
        lists.set(key, [compiled])
        if (lists === shelf.byPrefix) countLength(shelf, key, 1)
      }
    },
    remove: (policy) => {
      const subject = subjectOf(policy)
      const shelf = shelves.get(subject)
      if (!shelf) return
      const [lists, key] = placeOf(shelf, policy)
      const list = lists.get(key) ?? []
      const at = list.findIndex((compiled) => compiled.policy.id === policy.id)
      if (at >= 0) list.splice(at, 1)
      if (list.length === 0 && lists.delete(key) && lists === shelf.byPrefix) countLength(shelf, key, -1)
      if (listsOf(shelf).every(({ size }) => size === 0)) shelves.delete(subject)
    },
    find: (subject, { instance, resource }, wanted) => {
      const shelf = shelves.get(subject)
      if (!shelf) return undefined
      return (
        (resource === undefined ? undefined : findNamed(shelf, resource, wanted)) ??
        (instance === undefined ? undefined : shelf.byInstance.get(instance)?.find(wanted)) ??
        shelf.rest.get(REST)?.find(wanted)
      )
    },
    all: function* (subject) {
      const shelf = shelves.get(subject)
      if (!shelf) return
      for (const lists of listsOf(shelf)) for (const list of lists.values()) yield* list
    },
  }
}

const listsOf = ({ byResource, byPrefix, byInstance, rest }: Shelf) => [byResource, byPrefix, byInstance, rest]

/** The map and the key of a policy's list. */
function placeOf(shelf: Shelf, { resource }: Policy): readonly [Map<string, CompiledPolicy[]>, string] {
  const named = resource.find(({ key }) => key === 'resource')
  if (named?.operator === 'stringEquals') return [shelf.byResource, named.value]
  if (named?.operator === 'stringMatch') return [shelf.byPrefix, named.value.replace(/[*?].*$/s, '')]
  const instance = exactValue(resource, 'serviceInstance')
  return instance === undefined ? [shelf.rest, REST] : [shelf.byInstance, instance.toLowerCase()]
}

function countLength({ prefixLengths }: Shelf, prefix: string, by: number): void {
  const count = (prefixLengths.get(prefix.length) ?? 0) + by
  if (count === 0) prefixLengths.delete(prefix.length)
  else prefixLengths.set(prefix.length, count)
}

function findNamed(
  { byResource, byPrefix, prefixLengths }: Shelf,
  resource: string,
  wanted: (compiled: CompiledPolicy) => boolean,
): CompiledPolicy | undefined {
  const exact = byResource.get(resource)?.find(wanted)
  if (exact) return exact
  for (const length of prefixLengths.keys()) {
    const found = length > resource.length ? undefined : byPrefix.get(resource.slice(0, length))?.find(wanted)
    if (found) return found
  }
  return undefined
}
