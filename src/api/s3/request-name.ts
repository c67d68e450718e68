import type { ServerResponse } from 'node:http'

const ids = new WeakMap<ServerResponse, string>()

/** Says what a request is called, for answers that are not its handler's. */
export const nameRequest = (response: ServerResponse, requestId: string): void => void ids.set(response, requestId)

/** Undefined while its turn has not come. */
export const requestIdOf = (response: ServerResponse): string | undefined => ids.get(response)
