import type { Dice } from '../../support/content.ts'

/** One in so many; 0 never. */
export interface FaultRates {
  commitLostBefore: number
  commitLostAfter: number
  putRefused: number
  putLost: number
  removeFails: number
  keyRefused: number
  bodyAborted: number
}

const RATES = [0, 0, 100, 40, 15]

/** Each seed has faults of its own: some none at all, some only few kinds, so that one does not hide the other. */
export const rollRates = (dice: Dice): FaultRates => ({
  commitLostBefore: dice.pick(RATES),
  commitLostAfter: dice.pick(RATES),
  putRefused: dice.pick(RATES),
  putLost: dice.pick(RATES),
  removeFails: dice.pick([0, 0, 10, 3]),
  keyRefused: dice.pick([0, 0, 0, 100, 40]),
  bodyAborted: dice.pick([0, 30, 10]),
})

export const NO_FAULTS: FaultRates = {
  commitLostBefore: 0,
  commitLostAfter: 0,
  putRefused: 0,
  putLost: 0,
  removeFails: 0,
  keyRefused: 0,
  bodyAborted: 0,
}

export interface Faults {
  readonly happens: (fault: keyof FaultRates) => boolean
  readonly stop: () => void
}

export function faults(dice: Dice): Faults {
  let rates = rollRates(dice)
  return {
    happens: (fault) => rates[fault] > 0 && dice.below(rates[fault]) === 0,
    stop: () => {
      rates = NO_FAULTS
    },
  }
}
