import type { Dice } from '../../support/content.ts'
import type { Rig, RigOptions } from './rig.ts'
import type { VisitedPlaces } from './visited.ts'

export interface ScenarioOptions extends RigOptions {
  /** Of a walk: where it was already, with all its stores. */
  readonly visited: VisitedPlaces
  /** Of a walk: this place alone, again and again. */
  readonly at?: string
}

/** One way in which things go wrong. A round makes it happen once, under load, and ends with a server that was checked. */
export interface Scenario {
  readonly name: string
  /** One line of the help. */
  readonly about: string
  /** Why it cannot run here. */
  readonly missing?: () => Promise<string | undefined>
  /** Rounds that share a store, where a new one has much to learn first. */
  readonly perStore?: number
  /** What the rounds share: a store of its own. */
  readonly open: (options: ScenarioOptions) => Promise<Rounds>
}

export interface Rounds {
  readonly rig: Rig
  readonly round: (dice: Dice, number: number) => Promise<void>
  /** There is nothing left that a round of this store could do. */
  readonly over?: () => boolean
  /** Further figures for the summary. */
  readonly figures?: () => Readonly<Record<string, number>>
  readonly close?: () => Promise<void>
}
