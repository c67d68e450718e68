import { SaxesParser } from 'saxes'
import { S3Error } from '../error-codes.ts'

/** CompleteMultipartUpload with 10,000 parts and a checksum each stays below. */
const MAX_BYTES = 4 * 1024 * 1024
const MAX_DEPTH = 16
const MAX_ELEMENTS = 200_000

/**
 * One element of a document that was well-formed. Names are local names: S3 clients differ in namespace and prefix.
 * Every look-up that finds something unexpected throws MalformedXML.
 */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly elements: readonly XmlElement[]
  /** Text of an element without children, as it stands (white space is kept). MalformedXML when there are children. */
  readonly value: () => string
  /** The only child of that name, undefined when there is none. */
  readonly child: (name: string) => XmlElement | undefined
  readonly children: (name: string) => readonly XmlElement[]
  /** Text of the only child of that name. */
  readonly text: (name: string) => string | undefined
  /** Refuses children of any other name. */
  readonly allow: (...names: readonly string[]) => void
}

/**
 * Parses a request body. Strict: UTF-8, XML 1.0 whatever it declares, one root named `rootName`, no DOCTYPE, no
 * processing instructions, only the five entities and character references, no text between elements. `maxBytes` bounds the work. Throws MalformedXML.
 */
export function parseXml(body: Buffer | string, rootName: string, maxBytes: number = MAX_BYTES): XmlElement {
  const text = typeof body === 'string' ? body : decodeUtf8(body)
  if (text.length > maxBytes) throw new S3Error('MalformedXML')
  const root = parse(text)
  if (root.name !== rootName) throw new S3Error('MalformedXML')
  return root
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function decodeUtf8(body: Buffer): string {
  try {
    return utf8.decode(body)
  } catch (cause) {
    throw new S3Error('MalformedXML', undefined, { cause })
  }
}

function parse(text: string): XmlElement {
  const parser = new SaxesParser({ xmlns: false, defaultXMLVersion: '1.0', forceXMLVersion: true })
  // The parser's own table inherits from Object, which would make `&constructor;` an entity.
  parser.ENTITIES = Object.assign(Object.create(null), { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" })
  Object.assign(parser, { isChar: isReferable })
  const open: Node[] = []
  let root: Node | undefined
  let count = 0
  const refuse = (): never => {
    throw new S3Error('MalformedXML')
  }
  parser.on('error', (cause) => {
    throw new S3Error('MalformedXML', undefined, { cause })
  })
  parser.on('doctype', refuse)
  parser.on('processinginstruction', refuse)
  parser.on('opentag', (tag) => {
    if (open.length >= MAX_DEPTH || ++count > MAX_ELEMENTS) refuse()
    const node = new Node(localName(tag.name), tag.attributes)
    open.at(-1)?.elements.push(node)
    root ??= node
    open.push(node)
  })
  parser.on('closetag', () => {
    const node = open.pop()
    if (node && node.elements.length > 0 && node.characters.trim() !== '') refuse()
  })
  const addText = (characters: string): void => {
    const node = open.at(-1)
    if (node) node.characters += characters
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.write(text).close()
  return root ?? refuse()
}

/**
 * Code points that a character reference may name. XML 1.0 has no place for most control characters, but S3's keys do,
 * and a reference is how a client writes one: it can be taken for nothing else. As they stand they are refused, NUL and
 * surrogates in any form. The parser asks this of references alone.
 */
const isReferable = (code: number): boolean => (code >= 0x1 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0x10ffff)

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

class Node implements XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly elements: Node[] = []
  characters = ''

  constructor(name: string, attributes: Readonly<Record<string, string>>) {
    this.name = name
    this.attributes = attributes
  }

  value(): string {
    if (this.elements.length > 0) throw new S3Error('MalformedXML')
    return this.characters
  }

  child(name: string): XmlElement | undefined {
    let found: XmlElement | undefined
    for (const element of this.elements) {
      if (element.name !== name) continue
      if (found) throw new S3Error('MalformedXML')
      found = element
    }
    return found
  }

  children(name: string): readonly XmlElement[] {
    return this.elements.filter((element) => element.name === name)
  }

  text(name: string): string | undefined {
    return this.child(name)?.value()
  }

  allow(...names: readonly string[]): void {
    if (!this.elements.every(({ name }) => names.includes(name))) throw new S3Error('MalformedXML')
  }
}
