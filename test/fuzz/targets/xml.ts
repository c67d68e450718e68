import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseXml, type XmlElement } from '../../../src/api/s3/xml/decode.ts'
import { escapeXml, xml } from '../../../src/api/s3/xml/encode.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const name = fc.constantFrom('a', 'Key', '__proto__', 'constructor', 'x:y', 'Rule')
const text = fc.string({ unit: 'binary', maxLength: 12 }).map((each) => escapeXml(each.replaceAll('\0', '')))
const { tree } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    text,
    fc
      .tuple(name, text, fc.array(tie('tree'), { maxLength: 4 }))
      .map(([tag, value, inside]) => `<${tag} at="${value}">${inside.join('')}</${tag}>`),
  ),
}))

/** What it says, written by us, says the same again. */
const content = (element: XmlElement): string =>
  element.elements.length > 0
    ? element.elements.map((each) => `<e>${content(each)}</e>`).join('')
    : escapeXml(element.value())

const shape = (element: XmlElement): unknown =>
  element.elements.length > 0 ? element.elements.map(shape) : element.value()

export const xmlTarget: FuzzTarget = {
  name: 'xml',
  seeds: [
    '<R/>',
    '<R xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a&amp;b&#x1;</Key></Object></R>',
    '<?xml version="1.0" encoding="UTF-8"?>\n<R><a b="c"/><![CDATA[ ]]><!-- no --><s:b xmlns:s="urn:x">\u00e9&lt;</s:b></R>',
    xml('R', { a: ['1', '2'], b: { '@c': 'd', '#text': 'e' } }),
  ].map((each) => Buffer.from(each)),
  inputs: fc.array(tree, { maxLength: 4 }).map((parts) => Buffer.from(`<R>${parts.join('')}</R>`)),
  words: [
    '<!DOCTYPE R [',
    '<!ENTITY a "b">',
    '&a;',
    '&#x0;',
    '&#1114112;',
    '<![CDATA[',
    ']]>',
    '<?x ?>',
    '<!--',
    '-->',
    '<a>',
    '</a>',
  ],
  mayThrow: refusals('MalformedXML'),
  run: (input) => {
    const root = parseXml(input, 'R')
    assert.deepEqual(shape(parseXml(`<R>${content(root)}</R>`, 'R')), shape(root))
  },
}
