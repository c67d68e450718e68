import { build, isStale } from '../../src/web/build.ts'

/** Before any test: the console as its sources are. */
export async function setup(): Promise<void> {
  if (await isStale()) await build()
}
