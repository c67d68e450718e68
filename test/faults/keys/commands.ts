import fc from 'fast-check'
import { expect } from 'vitest'
import { bucketCrn } from '../../support/kms-world.ts'
import { act, checkAll, hold, isTaken, type KeyModel, outcomeOf, restart, type Wrapped } from './model.ts'
import * as rules from './rules.ts'
import type { Fault, KeySystem } from './system.ts'

type Command = fc.AsyncCommand<KeyModel, KeySystem>

const SECOND_MS = 1000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta']
const RESOURCES = ['one', 'two', 'three'].map((name) => bucketCrn(name))

const fault = fc.option(
  fc.record<Fault>({
    kind: fc.constantFrom('unknown', 'crash'),
    took: fc.constantFrom('before', 'after'),
    commit: fc.constantFrom(0, 0, 0, 1, 2, 3, 4),
  }),
  { nil: undefined, freq: 8 },
)
const pick = fc.nat({ max: 1000 })
const user = fc.constantFrom(0, 1)
const material = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
const aad = fc.array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 3 })

/** A command on one of the keys that were made, by its id or an alias. */
function onKey<Input>(
  name: string,
  input: fc.Arbitrary<Input>,
  run: (input: Input, id: string, key: string, model: KeyModel, system: KeySystem) => Promise<void>,
): fc.Arbitrary<Command> {
  return fc.tuple(pick, pick, input).map(([which, how, values]) => ({
    check: ({ keys }) => keys.length > 0,
    run: async (model, system) => {
      const id = model.keys[which % model.keys.length] ?? ''
      const aliases = model.held.get(id)?.facts.aliases ?? []
      const names = [id, ...aliases]
      await run(values, id, names[how % names.length] ?? id, model, system)
    },
    toString: () => `${name}(${which}, ${how}, ${fc.stringify(values)})`,
  }))
}

/** A command that is one rule and one call. */
const byRule = <Input>(
  name: string,
  input: fc.Arbitrary<Input>,
  rule: (input: Input, model: KeyModel) => rules.Rule,
  call: (input: Input, key: string, system: KeySystem) => Promise<unknown>,
): fc.Arbitrary<Command> =>
  onKey(name, fc.tuple(input, fault), async ([values, struck], id, key, model, system) =>
    act(model, system, id, rule(values, model), () => call(values, key, system), struck),
  )

const create: fc.Arbitrary<Command> = fc
  .record({
    imported: fc.option(material, { nil: undefined }),
    lifeMs: fc.option(fc.constantFrom(HOUR_MS, 40 * DAY_MS), { nil: undefined, freq: 4 }),
    alias: fc.option(fc.constantFrom(...NAMES), { nil: undefined }),
    dualAuth: fc.constantFrom(false, false, false, true),
    fault,
  })
  .map((made) => ({
    check: ({ keys }) => keys.length < 8,
    run: (model, system) => createKey(made, model, system),
    toString: () => `create(${fc.stringify(made)})`,
  }))

interface Making {
  readonly imported: Buffer | undefined
  readonly lifeMs: number | undefined
  readonly alias: string | undefined
  readonly dualAuth: boolean
  readonly fault: Fault | undefined
}

async function createKey(making: Making, model: KeyModel, system: KeySystem): Promise<void> {
  const name = `key ${model.keys.length} ${model.unseen.size} ${model.unmade.size}`
  const { imported, lifeMs, alias, dualAuth, fault: struck } = making
  const createdAt = system.now()
  const expiresAt = lifeMs === undefined ? undefined : createdAt + lifeMs
  const taken = alias !== undefined && isTaken(model, alias)
  let id = ''
  const { outcome, met } = await system.attempt(async () => {
    const { kms, caller } = system.world()
    const { key } = await kms.createKey(caller, {
      name,
      extractable: false,
      ...(imported && { payload: Buffer.from(imported) }),
      ...(expiresAt !== undefined && { expiresAt }),
      ...(alias !== undefined && { aliases: [alias] }),
      ...(dualAuth && { policies: { dualAuthDelete: { enabled: true } } }),
    })
    id = key.record.id
  }, struck)
  const facts: rules.KeyFacts = {
    name,
    imported: imported !== undefined,
    material: imported,
    state: 'active',
    stateChangedAt: createdAt,
    createdAt,
    expiresAt,
    rotatedAt: undefined,
    deletedAt: 0,
    gone: false,
    erased: false,
    versions: 1,
    dualAuth,
    setForDeletion: undefined,
    rotationMonths: undefined,
    aliases: alias === undefined ? [] : [alias],
    registrations: new Map(),
  }
  if (met) {
    // A commit that would not have held its conditions was none, wherever its answer got lost.
    if (met.took === 'after' && !taken) model.unseen.set(name, facts)
    else model.unmade.add(name)
    expect(outcome).toBe(met.kind === 'crash' ? 'crashed' : 'KeyUnavailable')
    if (met.kind === 'crash') await restart(model, system, false)
  } else if (taken) expect(outcome).toBe('AliasExists')
  else {
    expect(outcome).toBe('done')
    model.keys.push(id)
    hold(model, id, facts)
  }
}

const wrap = onKey('wrap', fc.tuple(material, aad), async ([plaintext, context], id, key, model, system) => {
  const { kms, caller } = system.world()
  const held = model.held.get(id)
  const allowed = held && !held.unavailable && rules.mayWrap(held.facts, system.now())
  const made: Wrapped[] = []
  const outcome = outcomeOf(() => {
    const { ciphertext, keyVersion } = kms.wrap(caller, key, plaintext, context)
    made.push({ key: id, ciphertext, aad: context, plaintext, keyVersion })
  })
  expect(outcome === 'opened').toBe(allowed === true)
  model.wrapped.push(...made)
})

const rewrap = onKey('rewrap', pick, async (which, id, key, model, system) => {
  const own = model.wrapped.filter((each) => each.key === id)
  const before = own[which % Math.max(1, own.length)]
  const held = model.held.get(id)
  if (!before) return
  const { kms, caller } = system.world()
  const outcome = outcomeOf(() => {
    const { ciphertext, keyVersion, previousVersion } = kms.rewrap(caller, key, before.ciphertext, before.aad)
    expect(previousVersion).toBe(before.keyVersion)
    model.wrapped.push({ ...before, ciphertext, keyVersion })
  })
  expect(outcome === 'opened').toBe(held && !held.unavailable ? rules.mayOpen(held.facts, system.now()) : false)
})

/** Whatever the state of the key: not with another context, under another key, or with one bit changed. */
const openWrongly = onKey(
  'openWrongly',
  fc.tuple(pick, fc.constantFrom('aad', 'key', 'bit', 'cut'), pick),
  async ([which, how, at], id, _key, model, system) => {
    const before = model.wrapped[which % Math.max(1, model.wrapped.length)]
    if (!before) return
    const { kms, caller } = system.world()
    const ciphertext = Buffer.from(before.ciphertext)
    if (how === 'bit') ciphertext[at % ciphertext.length] = (ciphertext[at % ciphertext.length] ?? 0) ^ (1 << (at % 8))
    const given = how === 'cut' ? ciphertext.subarray(0, at % ciphertext.length) : ciphertext
    const key = how === 'key' ? id : before.key
    const context = how === 'aad' ? [...before.aad, 'more'] : before.aad
    if (how === 'key' && id === before.key) return
    const held = model.held.get(key)
    const usable = held && !held.unavailable && rules.mayOpen(held.facts, system.now())
    const outcome = outcomeOf(() => kms.unwrap(caller, key, given, context))
    if (usable) expect(outcome).toBe('InvalidCiphertext')
    else expect(['KeyNotFound', 'KeyUnavailable', 'InvalidKeyState']).toContain(outcome)
  },
)

const passTime: fc.Arbitrary<Command> = fc
  .constantFrom(
    1,
    30 * SECOND_MS,
    30 * SECOND_MS,
    HOUR_MS,
    HOUR_MS,
    4 * HOUR_MS,
    DAY_MS,
    7 * DAY_MS,
    8 * DAY_MS,
    29 * DAY_MS,
    60 * DAY_MS,
  )
  .map((ms) => ({
    check: () => true,
    run: async (model, system) => {
      system.passTime(ms)
      checkAll(model, system)
    },
    toString: () => `passTime(${ms})`,
  }))

/** Two looks, an hour apart: after the second one the clock is trusted. What a fault leaves undone, the next run does. */
const sweep: fc.Arbitrary<Command> = fault.map((struck) => ({
  check: () => true,
  run: async (model, system) => {
    const times: number[] = []
    const look = async (with_?: Fault) => {
      times.push(system.now())
      const { met } = await system.attempt(() => system.world().kms.sweep(), with_)
      return met
    }
    const met = await look(struck)
    // How far it came is not known: the service reads the store again, and the model takes what it finds for done.
    if (met) await system.restart(false)
    system.passTime(HOUR_MS)
    if (met) await look()
    if (met) system.passTime(HOUR_MS)
    await look()
    age(model, system, times, met !== undefined)
    checkAll(model, system)
  },
  toString: () => `sweep(${fc.stringify(struck)})`,
}))

function age(model: KeyModel, system: KeySystem, times: readonly number[], restarted: boolean): void {
  const { kms, caller } = system.world()
  const known = new Map([...model.held].map(([id, held]) => [id, held.unavailable && !restarted]))
  for (const [id, stored] of [...model.stored]) {
    if (known.get(id)) continue
    const { key, rotated } = rules.aged(stored, system.now())
    const at = rotated ? kms.getKeyMetadata(caller, id).record.rotatedAt : key?.rotatedAt
    if (rotated) expect(times).toContain(at)
    hold(model, id, key && { ...key, rotatedAt: at })
  }
}

const restartIt: fc.Arbitrary<Command> = fc.boolean().map((orderly) => ({
  check: () => true,
  run: (model, system) => restart(model, system, orderly),
  toString: () => `restart(${orderly ? 'orderly' : 'crash'})`,
}))

const users = (system: KeySystem, which: number) => system.callers()[which === 0 ? 0 : 1]
const iamIds = ['IBMid-manager', 'IBMid-other-manager']
const idOf = (which: number): string => iamIds[which] ?? ''

const disable = byRule(
  'disable',
  fc.constant(undefined),
  () => rules.disable,
  (_, key, system) => system.world().kms.disableKey(system.world().caller, key),
)

const enable = byRule(
  'enable',
  fc.constant(undefined),
  () => rules.enable,
  (_, key, system) => system.world().kms.enableKey(system.world().caller, key),
)

const rotate = byRule(
  'rotate',
  fc.option(material, { nil: undefined }),
  (payload) => rules.rotate(payload),
  (payload, key, system) =>
    system.world().kms.rotateKey(system.world().caller, key, payload ? { payload: Buffer.from(payload) } : {}),
)

const remove = byRule(
  'delete',
  fc.tuple(user, fc.boolean()),
  ([by, force]) => rules.remove(idOf(by), force),
  ([by, force], key, system) => system.world().kms.deleteKey(users(system, by), key, { force }),
)

const setForDeletion = byRule(
  'setForDeletion',
  user,
  (by) => rules.setForDeletion(idOf(by)),
  (by, key, system) => system.world().kms.setKeyForDeletion(users(system, by), key),
)

const unsetForDeletion = byRule(
  'unsetForDeletion',
  user,
  () => rules.setForDeletion(undefined),
  (by, key, system) => system.world().kms.unsetKeyForDeletion(users(system, by), key),
)

const demandTwo = byRule(
  'demandTwo',
  fc.constant(undefined),
  () => rules.demandTwo,
  (_, key, system) =>
    system.world().kms.setKeyPolicies(system.world().caller, key, { dualAuthDelete: { enabled: true } }),
)

const rotateEvery = byRule(
  'rotateEvery',
  fc.constantFrom(1, 1, 2),
  (months) => rules.rotateEvery(months),
  (intervalMonths, key, system) =>
    system.world().kms.setKeyPolicies(system.world().caller, key, { rotation: { enabled: true, intervalMonths } }),
)

const register = byRule(
  'register',
  fc.tuple(fc.constantFrom(...RESOURCES), fc.constantFrom(false, false, false, true)),
  ([crn, prevent]) => rules.register(crn, prevent),
  ([resourceCrn, preventKeyDeletion], key, system) =>
    system.world().kms.register(system.world().serviceCaller, key, { resourceCrn, preventKeyDeletion }),
)

const deregister = byRule(
  'deregister',
  fc.constantFrom(...RESOURCES),
  (crn) => rules.deregister(crn),
  (crn, key, system) => system.world().kms.deregister(system.world().serviceCaller, key, crn),
)

const addAlias = byRule(
  'addAlias',
  fc.constantFrom(...NAMES),
  (alias, model) => rules.addAlias(alias, isTaken(model, alias)),
  (alias, key, system) => system.world().kms.createAlias(system.world().caller, key, alias),
)

const removeAlias = byRule(
  'removeAlias',
  fc.constantFrom(...NAMES),
  (alias) => rules.removeAlias(alias),
  (alias, key, system) => system.world().kms.deleteAlias(system.world().caller, key, alias),
)

const purge = byRule(
  'purge',
  fc.constant(undefined),
  () => rules.purge,
  (_, key, system) => system.world().kms.purgeKey(system.purger(), key),
)

const restore = onKey(
  'restore',
  fc.tuple(fc.constantFrom('none', 'same', 'other'), material, fault),
  async (input, id, key, model, system) => {
    const [which, other, struck] = input
    const own = model.held.get(id)?.facts.material
    const given = which === 'none' ? undefined : which === 'same' ? own : other
    const payload = given ? { payload: Buffer.from(given) } : {}
    const { kms, caller } = system.world()
    await act(model, system, id, rules.restore(given), () => kms.restoreKey(caller, key, payload), struck)
  },
)

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)

/** Weighted: keys must be wrapped with, and live through something, before it is of interest what opens. */
export const COMMANDS: readonly fc.Arbitrary<Command>[] = [
  ...times(2, create),
  ...times(4, wrap),
  rewrap,
  ...times(2, openWrongly),
  ...times(4, passTime),
  ...times(2, sweep),
  ...times(2, restartIt),
  disable,
  ...times(3, enable),
  ...times(2, rotate),
  ...times(3, remove),
  ...times(4, restore),
  ...times(2, purge),
  ...times(3, setForDeletion),
  unsetForDeletion,
  demandTwo,
  ...times(2, rotateEvery),
  register,
  ...times(2, deregister),
  addAlias,
  removeAlias,
]
