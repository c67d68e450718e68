import { describe, expect, it } from 'vitest'
import { httpDateMs } from '../../../src/api/s3/http-date.ts'

const AT = Date.UTC(1994, 10, 6, 8, 49, 37)

describe('an HTTP date', () => {
  it.each([
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'Sun, 6 Nov 1994 09:49:37 +0100',
    '06 Nov 1994 08:49:37 GMT',
  ])('is read from %j', (text) => expect(httpDateMs(text)).toBe(AT))

  it.each([
    '',
    '5',
    '2099',
    '2099-01-01',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 28:49:37 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'now',
  ])('is not %j', (text) => expect(httpDateMs(text)).toBeUndefined())
})
