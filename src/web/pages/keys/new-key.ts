import { sealMaterial } from '../../client/import-material.ts'
import { type CreateKeyInput, createKey, type RootKey } from '../../client/key-protect.ts'
import type { Instance } from '../../client/session.ts'
import { inShell } from '../../in-shell.ts'

/** What is filled in of a key that is made or brought. */
export interface NewKey {
  readonly name: string
  readonly description: string
  /** One a line or separated by commas. */
  readonly aliases: string
  readonly ring: string
  readonly rotates: boolean
  readonly months: number
  /** `2030-01-31`, or ''. */
  readonly expires: string
  readonly needsTwo: boolean
}

export const EMPTY_KEY: NewKey = {
  ...{ name: '', description: '', aliases: '', ring: 'default', rotates: false, months: 6 },
  ...{ expires: '', needsTwo: false },
}

export const MAX_ALIASES = 5
const ALIAS = /^[\w-]{2,90}$/

export const aliasesOf = ({ aliases }: Pick<NewKey, 'aliases'>): readonly string[] => [
  ...new Set(
    aliases
      .split(',')
      .map((alias) => alias.trim())
      .filter((alias) => alias !== ''),
  ),
]

/** What is wrong with the name as far as it was typed. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return undefined
  return name.length < 2 || name.length > 90 ? '2 to 90 characters.' : undefined
}

export function aliasProblem(form: Pick<NewKey, 'aliases'>): string | undefined {
  const aliases = aliasesOf(form)
  if (aliases.length > MAX_ALIASES) return `At most ${MAX_ALIASES}.`
  const wrong = aliases.find((alias) => !ALIAS.test(alias))
  return wrong === undefined ? undefined : `“${wrong}” is none: letters, digits, - and _, 2 to 90 of them.`
}

/** The first alias that a name gives. */
export const aliasFor = (name: string): string => (ALIAS.test(name) ? name : '')

export async function submitKey(
  instance: Instance,
  form: NewKey,
  material: Uint8Array<ArrayBuffer> | undefined,
): Promise<RootKey> {
  const aliases = aliasesOf(form)
  const sealed = material ? await sealMaterial(instance, material) : {}
  const input: CreateKeyInput = {
    name: form.name,
    ...(form.description === '' ? {} : { description: form.description }),
    ...(aliases.length > 0 ? { aliases } : {}),
    ...(form.ring === 'default' ? {} : { keyRing: form.ring }),
    ...(form.expires === '' ? {} : { expirationDate: `${form.expires}T00:00:00Z` }),
    ...(form.rotates && !material ? { rotationMonths: form.months } : {}),
    ...(form.needsTwo ? { dualAuthDelete: true } : {}),
    ...sealed,
  }
  return createKey(instance, input)
}

export function commandFor(way: 'create' | 'import', instance: Instance | undefined, form: NewKey): string {
  return [
    `coffer key ${way} ${inShell(form.name || 'NAME')}`,
    ...(way === 'import' ? ['material.b64'] : []),
    ...(instance ? [`--instance ${inShell(instance.name)}`] : []),
    ...aliasesOf(form)
      .filter((alias) => alias !== form.name)
      .map((alias) => `--alias ${inShell(alias)}`),
    ...(form.description === '' ? [] : [`--description ${inShell(form.description)}`]),
    ...(form.ring === 'default' ? [] : [`--ring ${inShell(form.ring)}`]),
    ...(form.rotates && way === 'create' ? [`--rotate ${form.months}`] : []),
    ...(form.expires === '' ? [] : [`--expires ${form.expires}T00:00:00Z`]),
    ...(form.needsTwo && way === 'create' ? ['--dual-auth-delete'] : []),
  ].join(' ')
}
