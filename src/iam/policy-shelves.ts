import type { CompiledPolicy } from './compiled-policy.ts'
import { exactValue, type Policy } from './policy.ts'
import type { Target } from './target.ts'

/** The policies of one subject, by the most telling thing that they say about the resource. */
interface Shelf {
  readonly byResource: Map<string, CompiledPolicy[]>
  readonly byInstance: Map<string, CompiledPolicy[]>
  readonly rest: CompiledPolicy[]
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

export function createPolicyShelves(): PolicyShelves {
  const shelves = new Map<string, Shelf>()

  /** The map and the key of a policy's list; none: it is on the rest. */
  const placeOf = (
    shelf: Shelf,
    { resource }: Policy,
  ): readonly [Map<string, CompiledPolicy[]>, string] | undefined => {
    const named = exactValue(resource, 'resource')
    if (named !== undefined) return [shelf.byResource, named]
    const instance = exactValue(resource, 'serviceInstance')
    return instance === undefined ? undefined : [shelf.byInstance, instance.toLowerCase()]
  }

  return {
    add: (compiled) => {
      const subject = subjectOf(compiled.policy)
      const shelf = shelves.get(subject) ?? { byResource: new Map(), byInstance: new Map(), rest: [] }
      shelves.set(subject, shelf)
      const [map, key] = placeOf(shelf, compiled.policy) ?? []
      const list = map === undefined || key === undefined ? shelf.rest : (map.get(key) ?? [])
      list.push(compiled)
      if (map !== undefined && key !== undefined) map.set(key, list)
    },
    remove: (policy) => {
      const subject = subjectOf(policy)
      const shelf = shelves.get(subject)
      if (!shelf) return
      const [map, key] = placeOf(shelf, policy) ?? []
      const list = map === undefined || key === undefined ? shelf.rest : (map.get(key) ?? [])
      const at = list.findIndex((compiled) => compiled.policy.id === policy.id)
      if (at >= 0) list.splice(at, 1)
      if (map !== undefined && key !== undefined && list.length === 0) map.delete(key)
      if (shelf.byResource.size + shelf.byInstance.size + shelf.rest.length === 0) shelves.delete(subject)
    },
    find: (subject, { instance, resource }, wanted) => {
      const shelf = shelves.get(subject)
      if (!shelf) return undefined
      return (
        (resource === undefined ? undefined : shelf.byResource.get(resource)?.find(wanted)) ??
        (instance === undefined ? undefined : shelf.byInstance.get(instance)?.find(wanted)) ??
        shelf.rest.find(wanted)
      )
    },
    all: function* (subject) {
      const shelf = shelves.get(subject)
      if (!shelf) return
      for (const place of shelf.byResource.values()) yield* place
      for (const place of shelf.byInstance.values()) yield* place
      yield* shelf.rest
    },
  }
}
