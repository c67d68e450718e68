import { aliasRecords, assertAliasName, MAX_ALIASES_OF_INSTANCE, MAX_ALIASES_OF_KEY } from './aliases.ts'
import { type Actor, changeKey, type KmsContext, stateOf } from './context.ts'
import { kmsError } from './errors.ts'
import { KEY_STATE } from './key-states.ts'
import type { AliasView } from './key-view.ts'
import { aliasRow, KMS_SPACE } from './keyspace.ts'

/** Throws InvalidField, AliasExists, AliasLimitReached. Hold the instance's alias turn until they are written. */
export function assertAliasesFree({ catalog }: KmsContext, instanceId: string, aliases: readonly string[]): void {
  for (const alias of aliases) {
    assertAliasName(alias)
    if (catalog.find(instanceId, alias)) throw kmsError('AliasExists', 'an alias is in use')
  }
  if (
    aliases.length > MAX_ALIASES_OF_KEY ||
    catalog.aliasCount(instanceId) + aliases.length > MAX_ALIASES_OF_INSTANCE
  ) {
    throw kmsError(
      'AliasLimitReached',
      `at most ${MAX_ALIASES_OF_KEY} aliases a key and ${MAX_ALIASES_OF_INSTANCE} an instance`,
    )
  }
}

/** Throws InvalidField, KeyNotFound, InvalidKeyState, AliasExists, AliasLimitReached, KeyUnavailable. */
export function createAlias(context: KmsContext, actor: Actor, idOrAlias: string, alias: string): Promise<AliasView> {
  const { catalog, serial, now } = context
  return serial.run(`aliases ${actor.instanceId}`, () =>
    changeKey(context, actor, idOrAlias, async (entry) => {
      if (stateOf(context, entry) === KEY_STATE.destroyed) {
        throw kmsError('InvalidKeyState', 'a deleted key takes no alias', { state: KEY_STATE.destroyed })
      }
      assertAliasesFree(context, actor.instanceId, [alias])
      if (entry.aliases.size >= MAX_ALIASES_OF_KEY) {
        throw kmsError('AliasLimitReached', `at most ${MAX_ALIASES_OF_KEY} aliases a key`)
      }
      const record = { keyId: entry.id, createdAt: now(), createdBy: actor.iamId }
      const key = aliasRow(entry.instanceId, alias)
      const value = aliasRecords.encode(record)
      const done = await catalog.commit(entry, [{ type: 'put', space: KMS_SPACE.alias, key, value, if: null }], () =>
        catalog.addAlias(entry, alias, record),
      )
      if (!done) throw kmsError('AliasExists', 'the alias is in use')
      return { alias, ...record }
    }),
  )
}

/** Throws KeyNotFound, AliasNotFound, KeyUnavailable. */
export function deleteAlias(context: KmsContext, actor: Actor, idOrAlias: string, alias: string): Promise<void> {
  const { catalog, serial } = context
  return serial.run(`aliases ${actor.instanceId}`, () =>
    changeKey(context, actor, idOrAlias, async (entry) => {
      if (!entry.aliases.has(alias)) throw kmsError('AliasNotFound', 'the key has no such alias')
      const key = aliasRow(entry.instanceId, alias)
      await catalog.commit(entry, [{ type: 'delete', space: KMS_SPACE.alias, key }], () =>
        catalog.removeAlias(entry, alias),
      )
    }),
  )
}
