import { notFound } from '../../failure.ts'
import { readProfiles, writeProfiles } from '../../profiles.ts'
import type { CommandSpec } from '../../spec.ts'

const logout: CommandSpec = {
  name: '',
  summary: 'Forgets the current profile, or the one named.',
  about: 'The credentials themselves stay valid; `coffer user key rm` ends them.',
  arguments: [{ name: 'name', help: 'of a profile', optional: true, kind: 'profile' }],
  examples: ['coffer logout local'],
  see: ['coffer profile rm'],
  run: async (call) => {
    const all = await readProfiles(call.environment)
    const name = call.maybe('name') ?? all.current
    call.doing(`forget the profile ${name ?? ''}`)
    if (name === undefined || !all.profiles.has(name))
      throw notFound('NoSuchProfile', 'there is no such profile', 'coffer profile ls')
    const profiles = new Map([...all.profiles].filter(([known]) => known !== name))
    await writeProfiles(call.environment, { current: all.current === name ? undefined : all.current, profiles })
    call.out.answer({ forgotten: name }, () => `✓ ${name} is forgotten`, [name])
    return 'done'
  },
}

export const COMMANDS: readonly CommandSpec[] = [logout]
