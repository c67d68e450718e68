import type { LifecycleFilter } from '../../../objects/lifecycle/rule.ts'
import { S3Error } from '../error-codes.ts'
import type { XmlElement } from '../xml/decode.ts'
import { malformed, wholeNumber } from './values.ts'

const MAX_KEY_LENGTH = 128
const MAX_VALUE_LENGTH = 256
/** The largest object, 50 TB. */
const MAX_OBJECT_BYTES = 50 * 1000 ** 4

/**
 * S3 takes one condition, or an `And` of several. Several without `And`, which other servers take too, all count here as
 * if there were one.
 */
export function readFilter(element: XmlElement): LifecycleFilter {
  element.allow('Prefix', 'Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan', 'And')
  const and = element.child('And')
  if (!and) return readConditions(element)
  and.allow('Prefix', 'Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan')
  if (and.elements.length < 2) throw malformed()
  return both(readConditions(element), readConditions(and))
}

function readConditions(element: XmlElement): LifecycleFilter {
  const prefix = element.text('Prefix')
  const tags = element.children('Tag').map(readTag)
  if (new Set(tags.map(([key]) => key)).size < tags.length) {
    throw new S3Error('InvalidRequest', 'Duplicate Tag Keys are not allowed.')
  }
  const largerThan = readSize(element, 'ObjectSizeGreaterThan')
  const smallerThan = readSize(element, 'ObjectSizeLessThan')
  return checked({
    ...(prefix === undefined ? {} : { prefix }),
    ...(tags.length > 0 ? { tags } : {}),
    ...(largerThan === undefined ? {} : { largerThan }),
    ...(smallerThan === undefined ? {} : { smallerThan }),
  })
}

function both(one: LifecycleFilter, other: LifecycleFilter): LifecycleFilter {
  const [short = '', long = ''] = [one.prefix ?? '', other.prefix ?? ''].sort((a, b) => a.length - b.length)
  // No object would have both.
  if (!long.startsWith(short)) throw malformed()
  const hasPrefix = one.prefix !== undefined || other.prefix !== undefined
  const tags = new Map([...(one.tags ?? []), ...(other.tags ?? [])])
  const sizes = (name: 'largerThan' | 'smallerThan'): number[] =>
    [one[name], other[name]].filter((size) => size !== undefined)
  const larger = sizes('largerThan')
  const smaller = sizes('smallerThan')
  return checked({
    ...(hasPrefix ? { prefix: long } : {}),
    ...(tags.size > 0 ? { tags: [...tags] } : {}),
    ...(larger.length > 0 ? { largerThan: Math.max(...larger) } : {}),
    ...(smaller.length > 0 ? { smallerThan: Math.min(...smaller) } : {}),
  })
}

function checked(filter: LifecycleFilter): LifecycleFilter {
  const { largerThan, smallerThan } = filter
  if (largerThan !== undefined && smallerThan !== undefined && largerThan >= smallerThan) {
    throw new S3Error('InvalidRequest', "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
  }
  return filter
}

function readTag(element: XmlElement): readonly [string, string] {
  element.allow('Key', 'Value')
  const key = element.text('Key')
  const value = element.text('Value')
  if (key === undefined || value === undefined) throw malformed()
  if (key === '' || key.length > MAX_KEY_LENGTH) {
    throw new S3Error('InvalidTag', 'The TagKey you have provided is invalid')
  }
  if (value.length > MAX_VALUE_LENGTH) throw new S3Error('InvalidTag', 'The TagValue you have provided is invalid')
  return [key, value]
}

function readSize(element: XmlElement, name: string): number | undefined {
  const text = element.text(name)
  if (text === undefined) return undefined
  const size = wholeNumber(text, MAX_OBJECT_BYTES)
  if (size < 0) throw new S3Error('InvalidRequest', `'${name}' should be a positive integer value.`)
  return size
}
