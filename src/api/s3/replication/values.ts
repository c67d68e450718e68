import { S3Error } from '../error-codes.ts'
import type { XmlElement } from '../xml/decode.ts'

export const malformed = (): S3Error => new S3Error('MalformedXML')
export const invalid = (message: string): S3Error => new S3Error('InvalidRequest', message)
export const wrong = (name: string, value: string, message: string): S3Error =>
  new S3Error('InvalidArgument', message, { extra: { ArgumentName: name, ArgumentValue: value } })

/** `<Status>`: Enabled or Disabled. */
export function isOn(element: XmlElement): boolean {
  const status = element.text('Status')
  if (status !== 'Enabled' && status !== 'Disabled') throw malformed()
  return status === 'Enabled'
}

/** What nothing here does can only be said to be off. Then true. */
export function refuseOn(element: XmlElement, name: string): true {
  if (isOn(element)) throw new S3Error('NotImplemented', `${name} is not implemented.`)
  return true
}
