import type { S3Reply } from './operation.ts'
import { type XmlContent, xml } from './xml/encode.ts'

export function xmlReply(root: string, content: XmlContent, headers: S3Reply['headers'] = {}): S3Reply {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body: xml(root, content) }
}
