import { CodedError } from '../base/errors.ts'
import type { KeyCall, KeyProvider } from './key-provider.ts'

export type WrapBudgetErrorCode =
  /** A version of a root key has wrapped as often as it safely may: it has to be rotated first. */
  'WrapBudgetSpent'

/** Where counts are kept: what `reserve` adds is durable when it resolves. */
export interface WrapCounts {
  /** Wraps that were reserved of this version so far. */
  readonly reserved: (rootKeyCrn: string, keyVersion: string) => Promise<number>
  /** Resolves to how many are reserved with these: others may have reserved meanwhile. One at a time. */
  readonly reserve: (rootKeyCrn: string, keyVersion: string, wraps: number) => Promise<number>
}

export interface WrapUse {
  readonly rootKeyCrn: string
  readonly keyVersion: string
  readonly wraps: number
  readonly limit: number
}

export interface WrapBudgetOptions {
  readonly counts: WrapCounts
  /** Of one version of a root key whose wraps each take a random nonce under the key itself. */
  readonly limit: number
  /** Of one whose wraps each have a key of their own. Default: 2^48. */
  readonly derivedLimit?: number
  /** A version is near its limit: told once in the life of the process, while wraps still go on. */
  readonly onNearLimit: (use: WrapUse) => void
  /** A version is at its limit: told once in the life of the process. Default: nobody is told. */
  readonly onSpent?: (use: WrapUse) => void
}

/** `near`: it is to be followed by another version, or to wrap bucket keys only. */
type WrapBudgetState = 'below' | 'near' | 'spent'

export interface WrapBudget extends WrapUse {
  readonly state: WrapBudgetState
}

export interface BudgetedProvider extends KeyProvider {
  readonly wrapsLeft: NonNullable<KeyProvider['wrapsLeft']>
  /** Of a version that wraps, from before it does so in the life of this process: its state is told, too. */
  readonly watch: (rootKeyCrn: string, keyVersion: string) => Promise<void>
  /** Another thread has reserved, and so many are by then: they count as used here, too, and whoever asks is told so. */
  readonly reservedElsewhere: (rootKeyCrn: string, keyVersion: string, reserved: number) => Promise<void>
  /** What is reserved and was not used: nothing is wrapped any more. */
  readonly giveBack: () => Promise<void>
  /** Of the versions that wrapped something in the life of the process, or were asked about. */
  readonly budgets: () => readonly WrapBudget[]
}

/**
 * AES-GCM with random nonces of 96 bits: no more than 2^32 under one key (NIST SP 800-38D, 8.3).
 */
export const RANDOM_NONCE_LIMIT = 2 ** 32
/**
 * Where each wrap has a key of its own, derived with a random salt of 128 bits: so many leave the chance that two salts
 * are the same below 2^-33.
 */
const DERIVED_KEY_LIMIT = 2 ** 48

const MAX_BLOCK = 2 ** 16
/** Of the limit: from here on the key is to be rotated. */
const NEAR = 7 / 8

interface Account {
  readonly rootKeyCrn: string
  readonly keyVersion: string
  used: number
  reserved: number
  /** Of these, by other threads since it was opened. */
  byOthers: number
  reserving: Promise<void> | undefined
  told: WrapBudgetState
}

/**
 * Counts what each version of a root key wraps, and wraps no more under one that has reached its limit. Counts are reserved
 * ahead in blocks, durably, so that a crash forgets none and gives away at most one block.
 */
export function budgetedProvider(inner: KeyProvider, options: WrapBudgetOptions): BudgetedProvider {
  const { counts, limit, derivedLimit = DERIVED_KEY_LIMIT, onNearLimit, onSpent = () => {} } = options
  const derives = (crn: string): boolean => inner.derivesWrapKeys?.(crn) === true
  const limitOf = (crn: string): number => (derives(crn) ? derivedLimit : limit)
  const accounts = new Map<string, Promise<Account>>()
  const opened = new Set<Account>()
  /** The version that wrapped last, of each root key. */
  const newest = new Map<string, Account>()
  /** No version is near its limit that has wrapped less. */
  const quietBelow = Math.min(limit, derivedLimit) * NEAR

  const open = async (crn: string, keyVersion: string): Promise<Account> => {
    const reserved = await counts.reserved(crn, keyVersion)
    const account: Account = {
      ...{ rootKeyCrn: crn, keyVersion, used: reserved, reserved },
      ...{ byOthers: 0, reserving: undefined, told: 'below' },
    }
    opened.add(account)
    return account
  }
  const accountOf = (crn: string, keyVersion: string): Promise<Account> => {
    const name = `${crn}\n${keyVersion}`
    const account = accounts.get(name) ?? open(crn, keyVersion)
    accounts.set(name, account)
    account.catch(() => accounts.delete(name))
    return account
  }

  const reserve = async (crn: string, account: Account): Promise<void> => {
    const block = Math.max(1, Math.min(MAX_BLOCK, Math.floor(limitOf(crn) / 64)))
    const reserved = await counts.reserve(crn, account.keyVersion, block)
    // What another thread has reserved in between counts as used: so no wrap is counted in place of two.
    addByOthers(account, reserved - block)
    account.reserved = reserved
  }
  const addByOthers = (account: Account, reserved: number): void => {
    const byOthers = reserved - account.reserved
    account.used += byOthers
    account.byOthers += byOthers
    account.reserved = reserved
  }
  /** Durable before it resolves. */
  const count = async (crn: string, account: Account): Promise<void> => {
    account.used++
    while (account.used > account.reserved) {
      account.reserving ??= reserve(crn, account).finally(() => {
        account.reserving = undefined
      })
      await account.reserving
    }
    tell(account)
  }
  /** As `count`, of a wrap: throws when other threads have taken what was left. */
  const countWrap = async (crn: string, account: Account): Promise<void> => {
    const { byOthers } = account
    await count(crn, account)
    if (account.byOthers !== byOthers && account.used > limitOf(crn)) throw refused(account)
  }
  const tell = (account: Account): void => {
    const { told } = account
    account.told = stateOf(account)
    if (told === account.told) return
    if (told === 'below') onNearLimit(useOf(account))
    if (account.told === 'spent') onSpent(useOf(account))
  }
  const useOf = ({ rootKeyCrn, keyVersion, used }: Account): WrapUse => {
    const bound = limitOf(rootKeyCrn)
    return { rootKeyCrn, keyVersion, wraps: Math.min(used, bound), limit: bound }
  }
  const stateOf = ({ rootKeyCrn, used }: Account): WrapBudgetState => {
    const bound = limitOf(rootKeyCrn)
    return used >= bound ? 'spent' : used >= bound * NEAR ? 'near' : 'below'
  }
  /** Told here, too: this process may have begun when it was at its limit. */
  const refused = (account: Account): Error => {
    tell(account)
    return spent()
  }
  const isSpent = (account: Account): boolean => stateOf(account) === 'spent'

  /** The same as `charge`, where it is clear without a question to anybody. */
  const chargedNow = ({ rootKeyCrn }: KeyCall): string | undefined => {
    const account = newest.get(rootKeyCrn)
    if (!account || account.used >= account.reserved || account.used + 1 >= quietBelow) return undefined
    account.used++
    return account.keyVersion
  }
  /** The version that wraps now, with one more counted. Throws WrapBudgetSpent. */
  const charge = async (call: KeyCall): Promise<string | undefined> => {
    const { rootKeyCrn: crn } = call
    // Its limit is so far away that the first wrap may come before the look at the count.
    if (derives(crn) && !newest.has(crn)) return undefined
    let keyVersion = newest.get(crn)?.keyVersion ?? (await inner.describe(call)).keyVersion
    let account = await accountOf(crn, keyVersion)
    if (isSpent(account)) {
      // It may have been rotated.
      keyVersion = (await inner.describe(call)).keyVersion
      account = await accountOf(crn, keyVersion)
      if (isSpent(account)) throw refused(account)
    }
    newest.set(crn, account)
    await countWrap(crn, account)
    return keyVersion
  }
  /** Under another version than the one that was charged: it has been rotated. Never more than the limit of that one. */
  const settle = async (crn: string, keyVersion: string): Promise<void> => {
    const account = await accountOf(crn, keyVersion)
    if (isSpent(account)) throw refused(account)
    newest.set(crn, account)
    await countWrap(crn, account)
  }

  return {
    ...inner,
    // Getters of what is wrapped stay what they are.
    get supports() {
      return inner.supports
    },
    wrap: async (call, dek, context) => {
      const charged = chargedNow(call) ?? (await charge(call))
      const wrapped = await inner.wrap(call, dek, context)
      if (wrapped.keyVersion !== charged) await settle(call.rootKeyCrn, wrapped.keyVersion)
      return wrapped
    },
    rewrap: async (call, wrapped, context) => {
      const charged = await charge(call)
      const rewrapped = await inner.rewrap(call, wrapped, context)
      if (rewrapped.keyVersion !== charged) await settle(call.rootKeyCrn, rewrapped.keyVersion)
      return rewrapped
    },
    unwrap: async (call, wrapped, context) => {
      const { dek, rewrapped } = await inner.unwrap(call, wrapped, context)
      if (!rewrapped) return { dek }
      try {
        const account = await accountOf(call.rootKeyCrn, rewrapped.keyVersion)
        const beyond = isSpent(account)
        await count(call.rootKeyCrn, account)
        // Reading goes on at the limit, but what was wrapped beyond it is kept by nobody.
        return beyond || account.used > limitOf(call.rootKeyCrn) ? { dek } : { dek, rewrapped }
      } catch (error) {
        dek[Symbol.dispose]()
        throw error
      }
    },
    wrapsLeft: async (crn, keyVersion) => {
      const { used } = await accountOf(crn, keyVersion)
      return Math.max(0, Math.floor(limitOf(crn) * NEAR) - used)
    },
    watch: async (crn, keyVersion) => tell(await accountOf(crn, keyVersion)),
    reservedElsewhere: async (crn, keyVersion, reserved) => {
      const account = await accountOf(crn, keyVersion)
      // Whoever is reserving learns of it by that.
      if (account.reserving !== undefined || reserved <= account.reserved) return
      addByOthers(account, reserved)
      tell(account)
    },
    giveBack: async () => {
      for (const account of opened) {
        const unused = account.reserved - account.used
        account.reserved = account.used
        if (unused > 0) await counts.reserve(account.rootKeyCrn, account.keyVersion, -unused)
      }
    },
    budgets: () => [...opened].map((account) => ({ ...useOf(account), state: stateOf(account) })),
  }
}

const spent = (): CodedError<WrapBudgetErrorCode> =>
  new CodedError('WrapBudgetSpent', 'the root key has wrapped as many data keys as it safely may: rotate it')
