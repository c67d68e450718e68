import { describe, expect, it } from 'vitest'
import type { RoutingRule } from '../../../src/api/s3/website/configuration.ts'
import { movedAltogether, movedByRule, movedToFolder, pageKey } from '../../../src/api/s3/website/routing.ts'

const page = (key: string, rawQuery = '') => ({
  ...{ secure: false, host: 'site.web.test:9000', key, rawQuery },
  rawPath: `/${encodeURI(key)}`,
})
const by = (rules: RoutingRule[], key: string, status?: number) => movedByRule(page(key), { rules }, status)

describe('the page of an address', () => {
  it('is the index of a folder, and else the object', () => {
    const index = { indexSuffix: 'index.html' }
    expect(['', 'a/', 'a', 'a/b'].map((key) => pageKey(key, index))).toEqual(['index.html', 'a/index.html', 'a', 'a/b'])
  })
})

describe('a website that is elsewhere', () => {
  const all = (protocol?: 'http' | 'https') => ({
    redirectAll: { hostName: 'example.com', ...(protocol ? { protocol } : {}) },
  })

  it('takes path and query along, and the protocol unless one is set', () => {
    expect(movedAltogether(page('a b', 'q=1'), all())).toEqual({
      status: 301,
      location: 'http://example.com/a%20b?q=1',
    })
    expect(movedAltogether(page('a'), all('https')).location).toBe('https://example.com/a')
    expect(movedAltogether({ ...page('a'), secure: true }, all()).location).toBe('https://example.com/a')
  })
})

describe('a routing rule', () => {
  it('replaces the prefix that it asks for', () => {
    const rule = { keyPrefix: 'docs/', redirect: { replaceKeyPrefixWith: 'documents/' } }
    const location = 'http://site.web.test:9000/documents/a%20b'
    expect(by([rule], 'docs/a b')).toEqual({ status: 301, location })
    expect(by([rule], 'docs')).toBeUndefined()
  })

  it('replaces the whole key, the host, the protocol and the status', () => {
    const redirect = { replaceKeyWith: 'gone.html', hostName: 'example.com', protocol: 'https', status: 307 } as const
    expect(by([{ keyPrefix: 'old/', redirect }], 'old/page')).toEqual({
      ...{ status: 307, location: 'https://example.com/gone.html' },
    })
  })

  it('that asks for an error holds for that error alone, and one that does not for none', () => {
    const rules: RoutingRule[] = [
      { errorStatus: 404, keyPrefix: 'img/', redirect: { replaceKeyWith: 'no-image' } },
      { errorStatus: 404, redirect: { hostName: 'other' } },
      { keyPrefix: 'moved/', redirect: { replaceKeyPrefixWith: '' } },
    ]
    expect(by(rules, 'img/x', 404)?.location).toBe('http://site.web.test:9000/no-image')
    expect(by(rules, 'x', 404)?.location).toBe('http://other/x')
    expect(by(rules, 'x', 403)).toBeUndefined()
    expect(by(rules, 'moved/x')?.location).toBe('http://site.web.test:9000/x')
    expect(by(rules, 'x')).toBeUndefined()
  })

  it('keeps the query', () => {
    const rules: RoutingRule[] = [{ redirect: { hostName: 'other' } }]
    expect(movedByRule(page('x', 'a=b&c'), { rules }, undefined)?.location).toBe('http://other/x?a=b&c')
  })
})

describe('a folder without its slash', () => {
  it('is moved to the folder of this host, whatever its name', () => {
    expect(movedToFolder(page('a/b c'))).toEqual({ status: 302, location: '/a/b%20c/' })
    expect(movedToFolder(page('/example.com')).location).toBe('/%2Fexample.com/')
  })
})
