import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseXml } from '../../../../src/api/s3/xml/decode.ts'
import { xml } from '../../../../src/api/s3/xml/encode.ts'
import { codeOf } from '../raw-request.ts'

describe('encoding', () => {
  it('writes objects, lists and texts, and leaves out what is undefined', () => {
    const document = xml('ListBucketResult', {
      Name: 'b',
      Prefix: '',
      Marker: undefined,
      MaxKeys: 2,
      IsTruncated: false,
      Contents: [{ Key: 'a' }, { Key: 'b' }],
      CommonPrefixes: [],
    })
    expect(document).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix>' +
        '<MaxKeys>2</MaxKeys><IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents>' +
        '<Contents><Key>b</Key></Contents></ListBucketResult>',
    )
  })

  it('writes attributes, and a root of text alone', () => {
    const grantee = { '@xmlns:xsi': 'x', '@xsi:type': 'Canonical"User', ID: '1' }
    expect(xml('Grant', { Grantee: grantee }, { namespace: '' })).toContain(
      '<Grant><Grantee xmlns:xsi="x" xsi:type="Canonical&quot;User"><ID>1</ID></Grantee></Grant>',
    )
    expect(xml('LocationConstraint', 'eu-de', { namespace: '' })).toMatch(/^<\?xml .*\?>\n<Loc.*>eu-de<\/Loc/)
  })

  it('escapes what XML would take for markup or normalise away', () => {
    expect(xml('K', '&<>"\'\r\n\t\u0001', { namespace: '' })).toContain(
      '<K>&amp;&lt;&gt;&quot;&apos;&#xd;&#xa;&#x9;&#x1;</K>',
    )
  })

  it('gives back every text but NUL', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 }).map((value) => value.replaceAll('\u0000', ''))
    fc.assert(
      fc.property(fc.array(fc.record({ Key: text, ETag: text })), (Contents) => {
        const root = parseXml(xml('R', { Contents }), 'R')
        expect(root.children('Contents').map((item) => ({ Key: item.text('Key'), ETag: item.text('ETag') }))).toEqual(
          Contents,
        )
      }),
    )
  })
})

describe('decoding', () => {
  it('reads elements whatever their prefix and namespace', () => {
    const root = parseXml(
      '<?xml version="1.0"?><!-- c --><s3:Delete xmlns:s3="urn:x"><s3:Quiet>true</s3:Quiet>\n' +
        '  <Object xmlns="other"><Key>007</Key></Object><Object><Key> a <![CDATA[<b>]]></Key></Object></s3:Delete>',
      'Delete',
    )
    expect(root.text('Quiet')).toBe('true')
    expect(root.children('Object').map((object) => object.text('Key'))).toEqual(['007', ' a <b>'])
    expect(root.text('Absent')).toBeUndefined()
  })

  it('takes a byte order mark and character references', () => {
    const bytes = Buffer.from('\ufeff<A><B>&#13;&#x41;&amp;</B></A>')
    expect(parseXml(bytes, 'A').text('B')).toBe('\rA&')
  })

  it.each([
    ['&#1;', '\u0001'],
    ['&#x1f;', '\u001f'],
    ['&#xFFFE;', '\ufffe'],
    ['&#xffff;', '\uffff'],
    ['&#x10ffff;', '\u{10ffff}'],
    ['&#x85;&#x2028;', '\u0085\u2028'],
    ['&amp;#x1;', '&#x1;'],
    ['<![CDATA[&#x1;]]>', '&#x1;'],
  ])('reads the text %s', (text, expected) => {
    expect(parseXml(`<A>${text}</A>`, 'A').value()).toBe(expected)
    expect(parseXml(`<?xml version="1.0" encoding="UTF-8"?><A>${text}</A>`, 'A').value()).toBe(expected)
  })

  it('changes no line ends that only XML 1.1 has', () => {
    for (const version of ['1.0', '1.1']) {
      expect(parseXml(`<?xml version="${version}"?><A>a\u0085b\u2028c</A>`, 'A').value()).toBe('a\u0085b\u2028c')
    }
  })

  it.each([
    ['nothing', ''],
    ['another root', '<B/>'],
    ['two roots', '<A/><A/>'],
    ['trailing text', '<A/>x'],
    ['leading text', 'x<A/>'],
    ['an open element', '<A><B></A>'],
    ['an end too many', '<A></A></A>'],
    ['half a document', '<A><B>'],
    ['a document type', '<!DOCTYPE A><A/>'],
    ['an entity', '<!DOCTYPE A [<!ENTITY x "y">]><A>&x;</A>'],
    ['an outer entity', '<!DOCTYPE A SYSTEM "file:///etc/passwd"><A/>'],
    ['an unknown entity', '<A>&nbsp;</A>'],
    ['an inherited entity', '<A>&constructor;</A>'],
    ['a processing instruction', '<A><?php x ?></A>'],
    ['a control character', '<A>\u0001</A>'],
    ['a control character of a document that says it is XML 1.1', '<?xml version="1.1"?><A>\u0001</A>'],
    ['a reference to NUL', '<A>&#0;</A>'],
    ['a reference to NUL in hexadecimal', '<A>&#x0;</A>'],
    ['a reference to nothing', '<A>&#;</A>'],
    ['a reference that is no number', '<A>&#xg;</A>'],
    ['a reference behind the last code point', '<A>&#x110000;</A>'],
    ['a reference to a surrogate', '<A>&#xd800;</A>'],
    ['text between elements', '<A>x<B/></A>'],
    ['an attribute twice', '<A a="1" a="2"/>'],
    ['17 levels', `${'<A>'.repeat(17)}${'</A>'.repeat(17)}`],
    ['JSON', '{"A":1}'],
  ])('refuses %s', (_what, text) => {
    expect(codeOf(() => parseXml(text, 'A'))).toBe('MalformedXML')
  })

  it('refuses bytes that are not UTF-8, and more than was allowed', () => {
    expect(codeOf(() => parseXml(Buffer.from([0x3c, 0x41, 0x3e, 0xff, 0x3c, 0x2f, 0x41, 0x3e]), 'A'))).toBe(
      'MalformedXML',
    )
    expect(codeOf(() => parseXml('<A></A>', 'A', 6))).toBe('MalformedXML')
    expect(codeOf(() => parseXml('<A></A>', 'A', 7))).toBe('none')
  })

  it('refuses repetition and nesting where one text is expected', () => {
    const root = parseXml('<A><B>1</B><B>2</B><C><D/></C></A>', 'A')
    expect(codeOf(() => root.text('B'))).toBe('MalformedXML')
    expect(codeOf(() => root.text('C'))).toBe('MalformedXML')
    expect(codeOf(() => root.allow('B'))).toBe('MalformedXML')
    expect(codeOf(() => root.allow('B', 'C'))).toBe('none')
  })

  it('gives a document or MalformedXML for anything', () => {
    const token = fc.constantFrom(
      '<A>',
      '</A>',
      '<B/>',
      '&',
      '&lt;',
      '&#',
      ';',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      '?>',
      '<!DOCTYPE',
      '"',
      '=',
      'x',
      '\u0000',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(token).map((all) => `<A>${all.join('')}</A>`),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          expect(['none', 'MalformedXML']).toContain(codeOf(() => parseXml(text, 'A')))
        },
      ),
      { numRuns: 500 },
    )
  })
})
