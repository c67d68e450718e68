import { diceFrom } from '../../support/content.ts'
import { memoryKeyProvider } from '../../support/fakes/memory-key-provider.ts'
import { leaks, leftOver } from './audit.ts'
import { BUCKETS, clients, firstVersioning } from './clients.ts'
import { faults } from './faults.ts'
import { ledger } from './ledger.ts'
import { codeOf, simulatedProcess } from './process.ts'
import { schedule } from './schedule.ts'
import { seededIds } from './seeded-ids.ts'

export interface History {
  /** What went wrong: nothing, one hopes. */
  readonly findings: readonly string[]
  /** Everything that clients did and saw, in order. */
  readonly trace: readonly string[]
}

/** The history that follows from a seed, and from nothing else. */
export async function historyOf(seed: string): Promise<History> {
  using _ids = seededIds(seed)
  const dice = diceFrom(seed)
  const world = { dice, faults: faults(dice), schedule: schedule(dice) }
  const book = ledger()
  const kms = memoryKeyProvider()
  const serviceInstanceCrn = await kms.newServiceInstance()
  await kms.authorize(serviceInstanceCrn)
  const newBucket = {
    serviceInstanceCrn,
    ownerId: 'owner',
    ownerName: 'owner',
    locationConstraint: '',
    encryption: 'provider-managed',
    rootKeyCrn: await kms.newRootKey(),
  } as const
  const rootKeys = { crns: [newBucket.rootKeyCrn, await kms.newRootKey()], rotate: kms.rotate }
  const process = simulatedProcess(world, kms.provider, book.wrong)
  const people = clients(world, process, book, newBucket, rootKeys)

  const settle = async (): Promise<void> => {
    if (dice.below(2) === 0) process.kill()
    else process.stop()
    const { objects } = await process.running()
    await objects.swept
    await objects.garbage.settled()
  }
  const story = async (): Promise<void> => {
    const { objects } = await process.running()
    for (const name of BUCKETS)
      await objects
        .createBucket({ ...newBucket, ...firstVersioning(name), name, bucketKey: dice.below(2) === 0 })
        .catch(() => undefined)
    disasters = dice.pick([0, 0, 300, 100])
    await Promise.all(Array.from({ length: 2 + dice.below(5) }, () => people.client(6 + dice.below(14))))
    world.faults.stop()
    world.schedule.calm()
    disasters = 0
    await people.useAll()
    await settle()
    await people.lookAround()
    await people.rewrapAll()
    await people.lookAround()
    for (const leak of await world.schedule.work(() => leaks(process.disk, process.stored))) book.wrong(leak)
    await people.tearDown()
    await settle()
    for (const leak of await world.schedule.work(() => leftOver(process.disk, process.stored))) book.wrong(leak)
  }

  /** One step in so many; 0 never. */
  let disasters = 0
  const everyStep = (): void => {
    if (dice.below(50) === 0) process.passTime(dice.below(3000))
    if (disasters === 0 || dice.below(disasters) !== 0) return
    if (dice.below(3) === 0) process.stop()
    else process.kill()
  }
  let over = false
  const told = story()
    .catch((error: unknown) => book.wrong(`${codeOf(error)} ${error instanceof Error ? error.stack : ''}`))
    .finally(() => {
      over = true
    })
  try {
    await world.schedule.runUntil(() => over, everyStep)
    await told
  } catch (error) {
    book.wrong(String(error))
  }
  return { findings: book.findings(), trace: book.trace }
}
