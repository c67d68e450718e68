import { CommandFailure } from './failure.ts'

/** Undefined for who has no API key, may not, or asks a server that has not this call: what is told besides is left out then. */
export async function tokenOrNone<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof CommandFailure && ['refused', 'notFound'].includes(error.failure.ending)) return undefined
    throw error
  }
}
