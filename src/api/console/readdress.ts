import type { IncomingMessage } from 'node:http'

/** Of the browser and the console's, or another way to say who asks: none of them is for the API behind the gate. */
const DROPPED = new Set([
  'authorization',
  'cookie',
  'expect',
  'origin',
  'referer',
  'x-amz-security-token',
  'x-coffer-csrf',
  'access-control-request-method',
  'access-control-request-headers',
])
const isDropped = (name: string): boolean => DROPPED.has(name) || name.startsWith('sec-')

/** Makes a request of the console's the one that a client would send to the API: `url`, and these headers in place of theirs. */
export function readdress(
  incoming: IncomingMessage,
  url: string,
  given: Readonly<Record<string, string | undefined>>,
): void {
  const added = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  const isReplaced = (name: string): boolean => isDropped(name) || added.some(([other]) => other === name)
  const raw: string[] = []
  for (let index = 0; index + 1 < incoming.rawHeaders.length; index += 2) {
    const name = incoming.rawHeaders[index] ?? ''
    if (!isReplaced(name.toLowerCase())) raw.push(name, incoming.rawHeaders[index + 1] ?? '')
  }
  const kept = Object.entries(incoming.headers).filter(([name]) => !isReplaced(name))
  incoming.url = url
  incoming.rawHeaders = [...raw, ...added.flat()]
  incoming.headers = { ...Object.fromEntries(kept), ...Object.fromEntries(added) }
}
