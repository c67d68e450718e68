import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { diceFrom } from '../../support/content.ts'
import type { Tally } from './rig.ts'
import type { Rounds, Scenario, ScenarioOptions } from './scenario.ts'
import { visitedPlaces } from './visited.ts'

export interface RunOptions extends Omit<ScenarioOptions, 'directory' | 'visited'> {
  readonly rounds: number
  /** Rounds that share a data directory. */
  readonly perStore: number
  /** Of the places of a walk that were visited. */
  readonly visitedFile?: string
  /** The data. Default: when something was wrong. */
  readonly keep?: boolean
  readonly say: (line: string) => void
}

export interface ScenarioResult {
  readonly scenario: string
  /** Why it did not run. */
  readonly skipped?: string
  readonly rounds: number
  readonly acknowledged: Readonly<Record<string, number>>
  readonly injected: Readonly<Record<string, number>>
  readonly checkedObjects: number
  readonly checkedBytes: number
  readonly startsMs: { readonly count: number; readonly median: number; readonly slowest: number }
  readonly figures: Readonly<Record<string, number>>
  readonly violations: readonly string[]
}

/** Runs a scenario; each store has a seed of its own, with which its rounds are run again alone. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ScenarioResult> {
  const { say, rounds } = options
  const visited = visitedPlaces(options.visitedFile)
  const total = { acknowledged: {}, injected: {}, figures: {}, startsMs: [] as number[], objects: 0, bytes: 0 }
  const violations: string[] = []
  const skipped = await scenario.missing?.()
  if (skipped !== undefined) say(`${scenario.name}: NOT RUN: ${skipped}`)
  const home = await mkdtemp(path.join(tmpdir(), 'coffer-faults-'))
  let done = 0
  let over = false
  for (let store = 0; skipped === undefined && done < rounds && !over; store++) {
    const seed = store === 0 ? options.seed : `${options.seed}.${store}`
    const count = Math.min(scenario.perStore ?? options.perStore, rounds - done)
    const result = await runStore(scenario, { ...options, visited, seed, rounds: count }, home)
    const { tally, figures, found } = result
    done += result.rounds
    over = result.over
    violations.push(...found)
    merge(total.acknowledged, tally?.acknowledged ?? {})
    merge(total.injected, tally?.injected ?? {})
    merge(total.figures, figures)
    total.startsMs.push(...(tally?.startsMs ?? []))
    total.objects += tally?.checkedObjects ?? 0
    total.bytes += tally?.checkedBytes ?? 0
  }
  if (options.keep ?? violations.length > 0) say(`data kept in ${home}`)
  else await rm(home, { recursive: true })
  const { acknowledged, injected, figures } = total
  say(
    `${scenario.name}: seed ${options.seed}, ${done} rounds, ${sum(acknowledged)} acknowledged writes (${listed(acknowledged)}), ` +
      `${sum(injected)} faults at ${Object.keys(injected).length} places, ${total.objects} objects read back, ` +
      `restart ${median(total.startsMs)} ms in the middle and ${Math.max(0, ...total.startsMs.map(Math.round))} ms at most, ` +
      `${violations.length} violations`,
  )
  return {
    scenario: scenario.name,
    ...(skipped === undefined ? {} : { skipped }),
    rounds: done,
    acknowledged,
    injected,
    checkedObjects: total.objects,
    checkedBytes: total.bytes,
    startsMs: {
      count: total.startsMs.length,
      median: median(total.startsMs),
      slowest: Math.max(0, ...total.startsMs.map(Math.round)),
    },
    figures,
    violations,
  }
}

type StoreOptions = RunOptions & Pick<ScenarioOptions, 'visited'>

interface StoreResult {
  readonly rounds: number
  readonly over: boolean
  readonly tally: Tally | undefined
  readonly figures: Readonly<Record<string, number>>
  readonly found: readonly string[]
}

async function runStore(scenario: Scenario, options: StoreOptions, home: string): Promise<StoreResult> {
  const { seed, rounds, say } = options
  const found: string[] = []
  const directory = path.join(home, seed)
  await mkdir(directory, { mode: 0o700 })
  let open: Rounds | undefined
  let round = 0
  const take = (): void => {
    for (const violation of open?.rig.tally.violations.splice(0) ?? []) {
      const command = `npm run faults -- ${scenario.name} --seed ${seed} --rounds ${rounds} --per-store ${rounds}`
      say(`VIOLATION in round ${round} of ${scenario.name}: ${violation}\n  again: ${command}`)
      found.push(`round ${round}, seed ${seed}: ${violation}`)
    }
  }
  try {
    open = await scenario.open({ ...options, directory })
    while (round < rounds && !open.over?.()) {
      round++
      await open.round(diceFrom(`${seed}/${scenario.name}/${round}`), round)
      take()
    }
    await open.rig.finish()
  } catch (error) {
    const output = open?.rig.server().output().slice(-4000) ?? ''
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const violation = `the round did not end: ${what}\n${output}`
    if (open) open.rig.report(violation)
    else {
      say(`VIOLATION before the first round of ${scenario.name} (seed ${seed}): ${violation}`)
      found.push(violation)
    }
  } finally {
    take()
    await open?.rig.close()
    await open?.close?.()
  }
  const over = open?.over?.() ?? false
  return { rounds: round, over, tally: open?.rig.tally, figures: open?.figures?.() ?? {}, found }
}

function merge(into: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) into[name] = (into[name] ?? 0) + count
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((all, count) => all + count, 0)

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

function median(all: readonly number[]): number {
  return Math.round(all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0)
}
