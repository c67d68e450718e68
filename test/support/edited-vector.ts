import { z } from 'zod'

const hex = z.string().transform((value) => Buffer.from(value, 'hex'))

/** What a malformed vector changes of the good one that it is of. */
export const edits = z
  .array(
    z.union([
      z.strictObject({ xor: hex, at: z.int() }),
      z.strictObject({ keep: z.int() }),
      z.strictObject({ append: hex }),
      z.strictObject({ swap: z.tuple([z.int(), z.int()]), length: z.int() }),
    ]),
  )
  .default([])

export function edited(bytes: Buffer, changes: z.infer<typeof edits>): Buffer {
  let out: Buffer = Buffer.from(bytes)
  for (const change of changes) {
    if ('xor' in change) out.writeUInt8(out.readUInt8(change.at) ^ change.xor.readUInt8(0), change.at)
    else if ('keep' in change) out = out.subarray(0, change.keep)
    else if ('append' in change) out = Buffer.concat([out, change.append])
    else {
      const [a, b] = change.swap
      const held = Buffer.from(out.subarray(a, a + change.length))
      out.copy(out, a, b, b + change.length)
      held.copy(out, b)
    }
  }
  return out
}
