import { KEY_ARGUMENT, keyDocument } from '../../key-face.ts'
import { findKey, registrationsOf } from '../../key-protect.ts'
import { versionsOf } from '../../key-versions.ts'
import { tokenOrNone } from '../../optional-control.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'
import { timeText } from '../../units.ts'
import { deedText, whoDisabled } from '../../who-disabled.ts'

export const showKey: CommandSpec = {
  name: 'show',
  summary: 'Shows a root key: its state, versions, and the buckets that it protects.',
  arguments: [KEY_ARGUMENT],
  examples: ['coffer key show finance-root'],
  see: ['coffer key buckets'],
  run: async (call) => {
    call.doing(`show the key ${call.argument('key')}`)
    const server = await call.server()
    const key = await findKey(server, call.argument('key'))
    const listed = (await tokenOrNone(() => versionsOf(server, key))) ?? []
    const registrations = await tokenOrNone(() => registrationsOf(server, key))
    const deed = await whoDisabled(server, key)
    const { nowMs, paint } = call.out
    const at = (time: string | undefined): string => timeText(time, nowMs)
    call.out.answer(
      { ...keyDocument(key), versions: listed, buckets: registrations?.map(({ bucket }) => bucket), disabled: deed },
      () =>
        factsText(
          [
            ['name', key.name],
            ['aliases', key.aliases.join(', ')],
            ['instance', key.instance.name],
            ['state', deed ? `${key.state} ${deedText(deed, nowMs)}` : key.state],
            ['id', key.id],
            ['crn', key.crn],
            ['description', key.description],
            ['ring', key.keyRing],
            ['made', at(key.createdAt)],
            ['rotated', at(key.rotatedAt)],
            ['rotates', key.rotateMonths === undefined ? undefined : `every ${key.rotateMonths} months`],
            ['expires', at(key.expiresAt)],
            ...listed.map(({ id, createdAt }, index): [string, string] => [`v${index + 1}`, `${id}, ${at(createdAt)}`]),
            ['restorable until', at(key.restoreUntil)],
            ['buckets', registrations?.map(({ bucket }) => bucket).join(', ')],
          ],
          paint,
        ),
      [key.id],
    )
    return 'done'
  },
}
