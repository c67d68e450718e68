import { z } from 'zod'

/**
 * A list as TOML has it, or in one text with commas. `read` gives undefined for what is none of the kind, and `complaint`
 * says of the first such what is wanted.
 */
export function listOf<Item>(
  kinds: string,
  read: (text: string) => Item | undefined,
  complaint: (text: string) => string,
  distinct?: { readonly kind: string; readonly by: readonly (keyof Item & string)[] },
) {
  return z
    .union([z.string(), z.array(z.string())], `give ${kinds} separated by commas`)
    .transform((list, context): readonly Item[] => {
      const given = (typeof list === 'string' ? list.split(',') : list).map((one) => one.trim()).filter(Boolean)
      const wrong = given.find((one) => read(one) === undefined)
      if (wrong !== undefined) context.addIssue({ code: 'custom', message: complaint(wrong) })
      const items = given.flatMap((one) => read(one) ?? [])
      for (const member of distinct?.by ?? []) {
        if (new Set(items.map((item) => item[member])).size === items.length) continue
        context.addIssue({ code: 'custom', message: `give each ${distinct?.kind} a ${member} of its own` })
      }
      return items
    })
}
