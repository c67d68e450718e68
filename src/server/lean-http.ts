import { getBuiltinModule } from 'node:process'

/**
 * To import node:http reads all that it exports, and three names in it load undici: 15 MiB and 55 ms of every start,
 * for what nobody here uses. Goes before the first import of it; `require` would not read them.
 */
export function withoutUndici(): void {
  const http = getBuiltinModule('node:http')
  for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent']) Reflect.deleteProperty(http, name)
}
