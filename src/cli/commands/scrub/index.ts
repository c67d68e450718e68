import { listOf, member, numberOf, textOf } from '../../json.ts'
import { findingColumns, placeOf, unopenedText } from '../../scrub-findings.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'
import { countText, sizeText, timeText } from '../../units.ts'

const status: CommandSpec = {
  name: 'status',
  summary: 'Shows how far the look for damage has come, and how much it found.',
  examples: ['coffer scrub status'],
  see: ['coffer verify'],
  run: async (call) => {
    call.doing('show the look for damage')
    const scrub = member(await (await call.server()).control('GET', '/admin/v1/scrub'), 'scrub')
    call.out.answer(
      Object(scrub),
      () =>
        factsText(
          [
            ['state', textOf(scrub, 'state')],
            ['look', numberOf(scrub, 'look')],
            ['objects', numberOf(scrub, 'objects')],
            ['read', sizeText(numberOf(scrub, 'bytesRead') ?? 0)],
            ['not openable', unopenedText(scrub)],
            ['findings', numberOf(scrub, 'findings')],
            ['of these not kept', numberOf(scrub, 'notKept') || undefined],
            ['began', timeText(textOf(scrub, 'startedAt'), call.out.nowMs)],
            ['ended', timeText(textOf(scrub, 'finishedAt'), call.out.nowMs)],
            ['next', timeText(textOf(scrub, 'dueAt'), call.out.nowMs)],
          ],
          call.out.paint,
        ),
      [textOf(scrub, 'state') ?? ''],
    )
    return 'done'
  },
}

const start: CommandSpec = {
  name: 'start',
  summary: 'Looks through all that is stored, from now on.',
  examples: ['coffer scrub start'],
  run: async (call) => {
    call.doing('begin the look for damage')
    const scrub = member(await (await call.server()).control('POST', '/admin/v1/scrub'), 'scrub')
    call.out.answer(
      Object(scrub),
      () => `✓ ${textOf(scrub, 'state') ?? 'begun'}; coffer scrub status tells how far it is`,
    )
    return 'done'
  },
}

const findings: CommandSpec = {
  name: 'findings',
  summary: 'Lists what is damaged. Exit status 7 if anything is.',
  examples: ['coffer scrub findings'],
  see: ['coffer verify', 'coffer salvage'],
  run: async (call) => {
    call.doing('list what is damaged')
    const told = await (await call.server()).control('GET', '/admin/v1/scrub/findings')
    const found = listOf(told, 'findings')
    call.out.rows({
      name: 'findings',
      rows: found,
      columns: findingColumns,
      id: placeOf,
      none: '✓ Nothing that is damaged was found.',
    })
    const notKept = numberOf(told, 'notKept') ?? 0
    if (notKept > 0) {
      call.out.warning(
        `${countText(notKept, 'finding')} more could not be kept: a look after these are mended tells of them.`,
      )
    }
    return found.length > 0 ? 'damage' : 'done'
  },
}

export const COMMANDS: readonly CommandSpec[] = [status, start, findings]
