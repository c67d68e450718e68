import { z } from 'zod'
import type { ObjectLock } from '../../../objects/object-properties.ts'
import { type Extension, endOf, INDEFINITE, PERMANENT, type ProtectionDocument } from '../../../objects/protection.ts'
import { S3Error } from '../error-codes.ts'
import type { S3Action } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { storedDocument } from '../stored-document.ts'
import { parseXml, type XmlElement } from '../xml/decode.ts'
import type { XmlContent } from '../xml/encode.ts'
import { dateMs } from './mode.ts'

const MAX_BODY_BYTES = 16 * 1024
const MAX_DAYS = 365_243

export const PROTECTION_BODY = { maxBytes: MAX_BODY_BYTES }

/** IBM's, beside Object Lock and not together with it. */
export const bucketProtection = storedDocument<ProtectionDocument>(
  'protection',
  z.strictObject({ minimumDays: z.int(), defaultDays: z.int(), maximumDays: z.int(), permanent: z.boolean() }),
)

/** `<ProtectionConfiguration><Status/><MinimumRetention><Days/></…>…<EnablePermanentRetention/></ProtectionConfiguration>` */
export function readProtection(body: Buffer): ProtectionDocument {
  const root = parseXml(body, 'ProtectionConfiguration', MAX_BODY_BYTES)
  root.allow('Status', 'MinimumRetention', 'DefaultRetention', 'MaximumRetention', 'EnablePermanentRetention')
  if (root.text('Status') !== 'Retention') throw new S3Error('MalformedXML')
  const permanent = root.text('EnablePermanentRetention') ?? 'false'
  if (permanent !== 'true' && permanent !== 'false') throw new S3Error('MalformedXML')
  const minimumDays = days(root, 'MinimumRetention')
  const defaultDays = days(root, 'DefaultRetention')
  const maximumDays = days(root, 'MaximumRetention')
  if (minimumDays > defaultDays || defaultDays > maximumDays) {
    throw new S3Error('InvalidRequest', 'MinimumRetention, DefaultRetention and MaximumRetention must ascend.')
  }
  return { minimumDays, defaultDays, maximumDays, permanent: permanent === 'true' }
}

function days(root: XmlElement, name: string): number {
  const text = root.child(name)?.text('Days')?.trim() ?? ''
  if (!/^\d{1,6}$/.test(text) || Number(text) > MAX_DAYS) throw new S3Error('MalformedXML')
  return Number(text)
}

export const protectionConfiguration = (protection: ProtectionDocument | undefined): XmlContent =>
  protection
    ? {
        Status: 'Retention',
        MinimumRetention: { Days: protection.minimumDays },
        DefaultRetention: { Days: protection.defaultDays },
        MaximumRetention: { Days: protection.maximumDays },
        EnablePermanentRetention: protection.permanent,
      }
    : { Status: 'Disabled' }

const PERIOD = 'retention-period'
const EXPIRATION = 'retention-expiration-date'
const HOLD_ID = 'retention-legal-hold-id'

type Headers = Pick<S3Request, 'headers'>

/** What the headers of an upload say; undefined when they say nothing. */
export function uploadProtection({ headers }: Headers): ObjectLock | undefined {
  const [period, expiration, hold] = [headers.get(PERIOD), headers.get(EXPIRATION), headers.get(HOLD_ID)]
  if (period !== undefined && expiration !== undefined) {
    throw new S3Error('InvalidRequest', 'Retention-Period and Retention-Expiration-Date cannot both be given.')
  }
  const lock: ObjectLock = {
    ...(period === undefined ? {} : { periodSeconds: periodOf(PERIOD, period) }),
    ...(expiration === undefined ? {} : { retainUntilMs: dateOf(EXPIRATION, expiration) }),
    ...(hold === undefined ? {} : { holds: [{ id: checkedHoldId(HOLD_ID, hold), atMs: Date.now() }] }),
  }
  return Object.keys(lock).length > 0 ? lock : undefined
}

/** The rights that they take beside the right to write the object. */
export const protectionNeeds = ({ headers }: Headers): readonly S3Action[] => [
  ...(headers.has(PERIOD) || headers.has(EXPIRATION) ? (['s3:PutObjectRetention'] as const) : []),
  ...(headers.has(HOLD_ID) ? (['s3:PutObjectLegalHold'] as const) : []),
]

/** Of ExtendObjectRetention: one of four. */
export function extensionOf({ headers }: Headers): Extension {
  const read: Readonly<Record<string, (text: string) => Extension>> = {
    'additional-retention-period': (text) => ({ additionalSeconds: secondsOf('Additional-Retention-Period', text) }),
    'extend-retention-from-current-time': (text) => ({
      fromNowSeconds: secondsOf('Extend-Retention-From-Current-Time', text),
    }),
    'new-retention-period': (text) => ({ periodSeconds: periodOf('New-Retention-Period', text) }),
    'new-retention-expiration-date': (text) => ({ untilMs: dateOf('New-Retention-Expiration-Date', text) }),
  }
  const given = Object.entries(read).flatMap(([name, extension]) => {
    const text = headers.get(name)
    return text === undefined ? [] : [extension(text)]
  })
  const [extension, ...more] = given
  if (extension && more.length === 0) return extension
  throw new S3Error('InvalidRequest', 'Exactly one header must say how the retention is extended.')
}

/** IBM: 1 to 64 of these characters. */
export function checkedHoldId(name: string, id: string): string {
  if (/^[A-Za-z0-9!_.*()'-]{1,64}$/.test(id)) return id
  throw invalid(
    name,
    id,
    'The id of a legal hold has 1 to 64 of the characters A-Z a-z 0-9 ! - _ . * ( ) and the apostrophe.',
  )
}

function secondsOf(name: string, text: string): number {
  if (/^\d{1,11}$/.test(text)) return Number(text)
  throw invalid(name, text, `${name} is a number of seconds.`)
}

const periodOf = (name: string, text: string): number =>
  [INDEFINITE, PERMANENT].includes(Number(text)) ? Number(text) : secondsOf(name, text)

function dateOf(name: string, text: string): number {
  const time = dateMs(text)
  if (time === undefined) throw invalid(name, text, `${name} is a date as ISO 8601 has it.`)
  return time
}

const invalid = (name: string, value: string, message: string): S3Error =>
  new S3Error('InvalidArgument', message, { extra: { ArgumentName: name, ArgumentValue: value } })

export function protectionHeaders(lock: ObjectLock): Record<string, string> {
  if (lock.periodSeconds === undefined) return {}
  const endMs = endOf(lock)
  return {
    [PERIOD]: String(lock.periodSeconds),
    ...(endMs === undefined ? {} : { [EXPIRATION]: new Date(endMs).toISOString() }),
    'retention-legal-hold-count': String(lock.holds?.length ?? 0),
  }
}
