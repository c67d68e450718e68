import { profileNamed, readProfiles, writeProfiles } from '../../profiles.ts'
import type { CommandSpec } from '../../spec.ts'
import { COMMANDS as LOGOUT } from '../login/logout-index.ts'

const list: CommandSpec = {
  name: 'ls',
  summary: 'Lists saved servers.',
  examples: ['coffer profile ls'],
  see: ['coffer login'],
  run: async (call) => {
    const { current, profiles } = await readProfiles(call.environment)
    call.out.rows({
      name: 'profiles',
      // Of credentials only that there are some.
      rows: [...profiles].map(([name, { control, s3, accessKeyId, apiKey }]) => ({
        name,
        control,
        s3,
        isCurrent: name === current,
        accessKeyId,
        hasApiKey: apiKey !== undefined,
      })),
      columns: [
        { head: '', cell: ({ isCurrent }) => (isCurrent ? '●' : '') },
        { head: 'NAME', cell: ({ name }) => name },
        { head: 'CONTROL', cell: ({ control }) => control },
        { head: 'S3', cell: ({ s3 }) => s3 },
        { head: 'ACCESS KEY', cell: ({ accessKeyId }) => accessKeyId, wide: true },
      ],
      id: ({ name }) => name,
      none: 'There are no profiles. coffer login URL makes one.',
    })
    return 'done'
  },
}

const use: CommandSpec = {
  name: 'use',
  summary: 'Uses a saved server from then on.',
  arguments: [{ name: 'name', help: 'of a profile', kind: 'profile' }],
  examples: ['coffer profile use local'],
  run: async (call) => {
    const name = call.argument('name')
    call.doing(`use the profile ${name}`)
    const all = await readProfiles(call.environment)
    profileNamed(all, name)
    await writeProfiles(call.environment, { ...all, current: name })
    call.out.answer({ current: name }, () => `✓ ${name} is used from now on`, [name])
    return 'done'
  },
}

const remove: CommandSpec = {
  name: 'rm',
  summary: 'Forgets a saved server.',
  arguments: [{ name: 'name', help: 'of a profile', kind: 'profile' }],
  examples: ['coffer profile rm local'],
  see: ['coffer logout'],
  run: (call) => LOGOUT[0]?.run(call) ?? Promise.resolve('failed'),
}

export const COMMANDS: readonly CommandSpec[] = [list, use, remove]
