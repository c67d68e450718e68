import { z } from 'zod'

/** Of instances, and not passed on to anybody: what is not known would not act, so it is refused. */
export const instanceParameters = z.strictObject({ onetime_credentials: z.boolean().optional() }).optional()
