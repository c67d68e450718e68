import { CommandFailure } from '../../failure.ts'
import { listOf, textOf } from '../../json.ts'
import { keyInstance, keyInstances, keyLabel, keysOf } from '../../key-protect.ts'
import { tokenOrNone } from '../../optional-control.ts'
import { probed } from '../../probe.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'

const list: CommandSpec = {
  name: 'ls',
  summary: 'Lists key services: the Key Protect instances of this server, and those elsewhere that buckets are under.',
  about:
    'Which services elsewhere there are is a setting of the server, read at its start: `coffer provider add` and `rm` write it. What is told of them here is whether their keys answer.',
  examples: ['coffer provider ls'],
  see: ['coffer provider test', 'coffer config explain key-providers'],
  run: async (call) => {
    call.doing('list key services')
    const server = await call.server()
    const [own, elsewhere] = await Promise.all([ownInstances(server), instancesElsewhere(server)])
    call.out.rows({
      name: 'providers',
      rows: [...own, ...elsewhere],
      columns: [
        { head: 'NAME', cell: ({ name }) => name },
        { head: 'KIND', cell: ({ kind }) => kind },
        { head: 'REGION', cell: ({ region }) => region },
        { head: 'ROOT KEYS', cell: ({ keys }) => keys, right: true },
        { head: 'STATE', cell: ({ state }) => state },
        { head: 'INSTANCE', cell: ({ instance }) => instance, wide: true },
      ],
      id: ({ instance }) => instance,
      none: 'There is no Key Protect instance that you may see.',
    })
    return 'done'
  },
}

interface Row {
  readonly name: string
  readonly kind: 'built-in' | 'elsewhere'
  readonly region: string
  readonly keys: number
  readonly state: string
  readonly instance: string
}

async function ownInstances(server: Server): Promise<readonly Row[]> {
  const instances = await keyInstances(server)
  return Promise.all(
    instances.map(async (instance): Promise<Row> => {
      const keys = await tokenOrNone(() => keysOf(server, instance))
      const { name, region, guid } = instance
      return {
        name,
        region,
        kind: 'built-in',
        keys: keys?.filter(({ isRootKey }) => isRootKey).length ?? 0,
        state: keys === undefined ? 'refused' : 'ok',
        instance: guid,
      }
    }),
  )
}

/** Known by the buckets that are under their keys. */
async function instancesElsewhere(server: Server): Promise<readonly Row[]> {
  const own = new Set((await server.instances()).map(({ guid }) => guid))
  const { accountId } = await server.identity()
  const states = await tokenOrNone(() => server.control('GET', '/admin/v1/buckets'))
  const keys = listOf(states, 'buckets').flatMap((bucket) => listOf(bucket, 'keys'))
  const found = new Map<string, { readonly region: string; readonly keys: Set<string>; state: string }>()
  for (const key of keys) {
    const crn = textOf(key, 'rootKeyCrn') ?? ''
    const [, , , , , region = '', scope = '', guid = ''] = crn.split(':')
    if (own.has(guid) || scope !== `a/${accountId}`) continue
    const one = found.get(guid) ?? { region, keys: new Set<string>(), state: 'ok' }
    one.keys.add(crn)
    const refusal = textOf(key, 'refusal')
    if (refusal !== undefined) one.state = refusal
    found.set(guid, one)
  }
  return [...found].map(([instance, { region, keys: of, state }]) => ({
    name: instance,
    kind: 'elsewhere',
    region,
    keys: of.size,
    state,
    instance,
  }))
}

const test: CommandSpec = {
  name: 'test',
  summary: 'Wraps and unwraps a probe with a key of an instance, and compares.',
  arguments: [{ name: 'instance', help: 'Key Protect instance; not needed where there is one', optional: true }],
  options: { key: { value: 'key', help: 'with this root key; the first active one otherwise', kind: 'key' } },
  examples: ['coffer provider test keys'],
  run: async (call) => {
    const named = call.maybe('instance')
    call.doing(`test ${named ?? 'Key Protect'}`)
    const server = await call.server()
    const instance = await keyInstance(server, named)
    const wanted = call.text('key')
    const active = (await keysOf(server, instance)).filter(({ isRootKey, state }) => isRootKey && state === 'active')
    const key =
      wanted === undefined ? active[0] : active.find((one) => [one.id, one.name, ...one.aliases].includes(wanted))
    if (!key)
      throw new CommandFailure({
        code: 'NoSuchKey',
        ending: 'notFound',
        why: `${instance.name} has no active root key${wanted === undefined ? '' : ` ${wanted}`}`,
        fixes: ['coffer key create NAME'],
      })
    const tookMs = await probed(server, key)
    call.out.answer(
      { instance: instance.guid, key: key.id, ok: true, milliseconds: tookMs },
      () => `✓ ${instance.name}: wrapped and unwrapped with ${keyLabel(key)} in ${tookMs} ms`,
      [key.id],
    )
    return 'done'
  },
}

export const COMMANDS: readonly CommandSpec[] = [list, test]
