import { type Acl, type Grant, PERMISSIONS, uriOf } from '../../../access/acl.ts'
import { type GranteeName, MAX_GRANTS, resolveGrantee } from '../../../access/grants.ts'
import { S3Error } from '../error-codes.ts'
import { parseXml, type XmlElement } from '../xml/decode.ts'
import type { XmlContent } from '../xml/encode.ts'
import type { AccountDirectory } from './directory.ts'

export const ACL_BODY = { maxBytes: 256 * 1024 } as const
const XSI = 'http://www.w3.org/2001/XMLSchema-instance'

/** What S3 answers: who each grantee is, and who the owner. */
export function aclDocument({ owner, grants }: Acl, accounts: AccountDirectory): XmlContent {
  return {
    Owner: person(owner, accounts),
    // S3 lists groups first.
    AccessControlList: { Grant: grants.toSorted(byKind).map((grant) => grantContent(grant, accounts)) },
  }
}

export const grantContent = ({ grantee, permission }: Grant, accounts: AccountDirectory): XmlContent => ({
  Grantee:
    'id' in grantee
      ? { '@xmlns:xsi': XSI, '@xsi:type': 'CanonicalUser', ...person(grantee.id, accounts) }
      : { '@xmlns:xsi': XSI, '@xsi:type': 'Group', URI: uriOf(grantee.group) },
  Permission: permission,
})

const byKind = (a: Grant, b: Grant): number => Number('id' in a.grantee) - Number('id' in b.grantee)

function person(id: string, { displayName }: AccountDirectory) {
  const name = displayName(id)
  return { ID: id, ...(name === undefined ? {} : { DisplayName: name }) }
}

const malformed = (): S3Error => new S3Error('MalformedACLError')

/** `<AccessControlPolicy>`. The owner stays who it is: naming another one is refused. */
export function parseAcl(document: Buffer, owner: string, accounts: AccountDirectory): Acl {
  const root = parseXml(document, 'AccessControlPolicy', ACL_BODY.maxBytes)
  root.allow('Owner', 'AccessControlList')
  const [person, list] = [root.child('Owner'), root.child('AccessControlList')]
  if (!person || !list) throw malformed()
  person.allow('ID', 'DisplayName')
  list.allow('Grant')
  if (person.text('ID') === undefined) throw malformed()
  if (person.text('ID') !== owner) throw new S3Error('AccessDenied')
  const grants = list.children('Grant').map((grant) => parseGrant(grant, accounts))
  if (grants.length > MAX_GRANTS) throw malformed()
  return { owner, grants }
}

/** Throws MalformedACLError, and what a grantee that there is not throws. */
export function parseGrant(grant: XmlElement, accounts: AccountDirectory): Grant {
  grant.allow('Grantee', 'Permission')
  const [grantee, text] = [grant.child('Grantee'), grant.text('Permission')?.trim()]
  const permission = PERMISSIONS.find((one) => one === text)
  if (!grantee || !permission) throw malformed()
  return { grantee: resolveGrantee(granteeName(grantee), accounts), permission }
}

const KINDS = {
  CanonicalUser: ['id', 'ID'],
  Group: ['uri', 'URI'],
  AmazonCustomerByEmail: ['emailAddress', 'EmailAddress'],
} as const

/** `xsi:type` says what its only telling child is. */
function granteeName(grantee: XmlElement): GranteeName {
  grantee.allow('ID', 'DisplayName', 'URI', 'EmailAddress')
  const type = Object.entries(grantee.attributes).find(([name]) => name === 'type' || name.endsWith(':type'))?.[1]
  const kind = Object.entries(KINDS).find(([name]) => name === type?.replace(/^.*:/, ''))?.[1]
  const value = kind && grantee.text(kind[1])
  if (!kind || !value) throw malformed()
  return { by: kind[0], value }
}
