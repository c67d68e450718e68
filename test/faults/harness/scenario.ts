import type { Dice } from '../../support/content.ts'
import type { Rig, RigOptions } from './rig.ts'

/** One way in which things go wrong. A round makes it happen once, under load, and ends with a server that was checked. */
export interface Scenario {
  readonly name: string
  /** One line of the help. */
  readonly about: string
  /** Why it cannot run here. */
  readonly missing?: () => Promise<string | undefined>
  /** All rounds share one store: each goes on from what the ones before it have learnt. */
  readonly isOneStore?: true
  /** What the rounds share: a store of its own. */
  readonly open: (options: RigOptions) => Promise<Rounds>
}

export interface Rounds {
  readonly rig: Rig
  readonly round: (dice: Dice, number: number) => Promise<void>
  /** Further figures for the summary. */
  readonly figures?: () => Readonly<Record<string, number>>
  readonly close?: () => Promise<void>
}
