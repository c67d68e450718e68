import { expect } from 'vitest'
import { type KeyFacts, mayOpen, type Rule, stateOf } from './rules.ts'
import { codeOf, type Fault, type KeySystem } from './system.ts'

/** Something that was wrapped, and what must come out of it. */
export interface Wrapped {
  readonly key: string
  readonly ciphertext: Buffer
  readonly aad: readonly string[]
  readonly plaintext: Buffer
  readonly keyVersion: string
}

interface Held {
  readonly facts: KeyFacts
  /** A commit got lost: the service must not guess until it has read the store again. */
  readonly unavailable: boolean
}

/** What the store must hold, and what the running service must know of it. */
export interface KeyModel {
  readonly stored: Map<string, KeyFacts>
  readonly held: Map<string, Held>
  readonly wrapped: Wrapped[]
  /** In order of creation, gone ones included. */
  readonly keys: string[]
  /** Keys whose making got lost after it took place, by name: their ids are known after the restart. */
  readonly unseen: Map<string, KeyFacts>
  /** Those that must not exist. */
  readonly unmade: Set<string>
}

export const emptyModel = (): KeyModel => ({
  stored: new Map(),
  held: new Map(),
  wrapped: [],
  keys: [],
  unseen: new Map(),
  unmade: new Set(),
})

export function isTaken({ stored, held, unseen }: KeyModel, alias: string): boolean {
  const facts = [...stored.values(), ...[...held.values()].map((key) => key.facts), ...unseen.values()]
  return facts.some(({ aliases }) => aliases.includes(alias))
}

/** Acts on a key, compares with what the rule says, and follows it through the fault. */
export async function act(
  model: KeyModel,
  system: KeySystem,
  id: string,
  rule: Rule,
  doIt: () => Promise<unknown>,
  fault?: Fault,
): Promise<void> {
  const held = model.held.get(id)
  const verdict = held ? rule(held.facts, system.now()) : ({ refused: 'KeyNotFound' } as const)
  const { outcome, met } = await system.attempt(doIt, fault)
  // An alias that only the store knows of: its condition does not hold, and the answer may get lost.
  const inVain = 'refused' in verdict && verdict.refused === 'AliasExists' && met !== undefined
  if (held?.unavailable) expect(outcome).toBe('KeyUnavailable')
  else if ('refused' in verdict && !inVain) expect(outcome).toBe(verdict.refused)
  else if (!met) {
    expect(outcome).toBe('done')
    if ('steps' in verdict && verdict.steps.length > 0) hold(model, id, verdict.steps.at(-1))
  } else {
    const took = met.commit + (met.took === 'after' ? 1 : 0)
    if ('steps' in verdict && took > 0) store(model, id, verdict.steps[took - 1])
    expect(outcome).toBe(met.kind === 'crash' ? 'crashed' : 'KeyUnavailable')
    if (held) model.held.set(id, { ...held, unavailable: true })
    if (met.kind === 'crash') await restart(model, system, false)
  }
  checkKey(model, system, id)
}

export function store(model: KeyModel, id: string, facts: KeyFacts | undefined): void {
  if (facts) model.stored.set(id, facts)
  else model.stored.delete(id)
}

/** Stored, and known. */
export function hold(model: KeyModel, id: string, facts: KeyFacts | undefined): void {
  store(model, id, facts)
  if (facts) model.held.set(id, { facts, unavailable: false })
  else model.held.delete(id)
}

export async function restart(model: KeyModel, system: KeySystem, orderly: boolean): Promise<void> {
  await system.restart(orderly)
  const { kms, caller } = system.world()
  const states = [0, 1, 2, 3, 5] as const
  const { items } = kms.listKeys(caller, { states }, { offset: 0, limit: 1000 })
  for (const { record } of items) {
    const unseen = model.unseen.get(record.name)
    if (unseen) {
      model.unseen.delete(record.name)
      model.stored.set(record.id, unseen)
      model.keys.push(record.id)
    }
  }
  expect([...model.unseen.keys()]).toEqual([])
  expect(items.map(({ record }) => record.id).sort()).toEqual([...model.stored.keys()].sort())
  for (const { record } of items) expect(model.unmade.has(record.name)).toBe(false)
  model.held.clear()
  for (const [id, facts] of model.stored) model.held.set(id, { facts, unavailable: false })
  checkAll(model, system)
}

export function checkAll(model: KeyModel, system: KeySystem): void {
  for (const id of model.keys) checkKey(model, system, id)
}

/** What the service shows of a key, and whether everything that was wrapped with it opens, or does not. */
export function checkKey(model: KeyModel, system: KeySystem, id: string): void {
  const { kms, caller } = system.world()
  const held = model.held.get(id)
  const own = model.wrapped.filter(({ key }) => key === id)
  const opened = (each: Wrapped) => outcomeOf(() => kms.unwrap(caller, id, each.ciphertext, each.aad))
  if (!held || held.unavailable) {
    const code = held ? 'KeyUnavailable' : 'KeyNotFound'
    expect(outcomeOf(() => kms.getKeyMetadata(caller, id))).toBe(code)
    for (const each of own) expect(opened(each)).toBe(code)
    return
  }
  checkShown(held.facts, system, id)
  if (!mayOpen(held.facts, system.now())) {
    for (const each of own) expect(opened(each)).toBe('InvalidKeyState')
    return
  }
  for (const each of own) checkOpens(system, each)
}

const SHOWN = { active: 1, suspended: 2, deactivated: 3, destroyed: 5 } as const

function checkShown(facts: KeyFacts, system: KeySystem, id: string): void {
  const { kms, caller } = system.world()
  const { state, record, aliases } = kms.getKeyMetadata(caller, id)
  expect(state).toBe(SHOWN[stateOf(facts, system.now())])
  expect([...aliases].sort()).toEqual([...facts.aliases].sort())
  expect(record.rotatedAt).toBe(facts.rotatedAt)
  expect(record.dualAuthDelete?.enabled ?? false).toBe(facts.dualAuth)
  const page = { offset: 0, limit: 1000 }
  expect(kms.listKeyVersions(caller, id, page, { allKeyStates: true }).totalCount).toBe(facts.versions)
  const registrations = kms.listRegistrations(caller, id, {}, page).items
  expect(new Map(registrations.map((each) => [each.resourceCrn, each.preventKeyDeletion]))).toEqual(facts.registrations)
}

function checkOpens(system: KeySystem, { key, ciphertext, aad, plaintext, keyVersion }: Wrapped): void {
  const { kms, caller } = system.world()
  const opened = kms.unwrap(caller, key, ciphertext, aad)
  expect(opened.plaintext.equals(plaintext)).toBe(true)
  expect(opened.keyVersion).toBe(keyVersion)
  const [newest] = kms.listKeyVersions(caller, key, { offset: 0, limit: 1 }, { allKeyStates: true }).items
  expect(opened.rewrapped?.keyVersion).toBe(keyVersion === newest?.id ? undefined : newest?.id)
}

/** `opened`, or the code of the refusal. */
export function outcomeOf(open: () => unknown): string {
  try {
    open()
    return 'opened'
  } catch (error) {
    return codeOf(error)
  }
}
