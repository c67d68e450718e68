import { z } from 'zod'
import { storedDocument } from './stored-document.ts'

export const bucketTagging = storedDocument(
  'tagging',
  z.array(z.strictObject({ key: z.string(), value: z.string() })).readonly(),
)
