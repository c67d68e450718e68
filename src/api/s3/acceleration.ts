import { z } from 'zod'
import { S3Error } from './error-codes.ts'
import { storedDocument } from './stored-document.ts'
import { parseXml } from './xml/decode.ts'

/** There are no edge locations to accelerate by, so a bucket is suspended or was never asked. */
export const acceleration = storedDocument('accelerate', z.literal('Suspended'))

export const ACCELERATION_BODY = { maxBytes: 4 * 1024 } as const

/** `<AccelerateConfiguration><Status/></AccelerateConfiguration>`. Throws NotImplemented for Enabled. */
export function readAcceleration(document: Buffer): 'Suspended' {
  const root = parseXml(document, 'AccelerateConfiguration', ACCELERATION_BODY.maxBytes)
  root.allow('Status')
  const status = root.text('Status')
  if (status === 'Enabled') throw new S3Error('NotImplemented', 'Transfer acceleration is not implemented.')
  if (status !== 'Suspended') throw new S3Error('MalformedXML')
  return status
}
