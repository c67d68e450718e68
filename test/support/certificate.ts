import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'

/** A certificate authority of a test's own, and what a server at 127.0.0.1 and localhost shows with it. PEM. */
export interface TestCertificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** What a client shows, of the same authority. */
  readonly client: { readonly cert: string; readonly key: string }
}

/** P-256 and ECDSA with SHA-256; valid for a day on either side of now. */
export function testCertificates(authorityName = 'Coffer test authority'): TestCertificates {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const client = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = name(authorityName)
  const isAuthority = extension('551d13', sequence(Buffer.from([0x01, 0x01, 0xff])), true)
  const loopback = extension(
    '551d11',
    sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))),
  )
  return {
    ca: certificate(issuer, issuer, authority.publicKey, isAuthority, authority.privateKey),
    cert: certificate(name('127.0.0.1'), issuer, server.publicKey, loopback, authority.privateKey),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    client: {
      cert: certificate(name('store'), issuer, client.publicKey, loopback, authority.privateKey),
      key: client.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
  }
}

const DAY_MS = 86_400_000
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))

/** X.509 v3 (RFC 5280), with what a TLS client looks at and no more. */
function certificate(subject: Buffer, issuer: Buffer, key: KeyObject, extended: Buffer, signer: KeyObject): string {
  const version = der(0xa0, integer(Buffer.from([2])))
  const serial = integer(Buffer.concat([Buffer.from([1]), randomBytes(8)]))
  const validity = sequence(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS))
  const publicKey = key.export({ type: 'spki', format: 'der' })
  const extensions = der(0xa3, sequence(extended))
  const toSign = sequence(version, serial, ECDSA_WITH_SHA256, issuer, validity, subject, publicKey, extensions)
  const signature = createSign('sha256').update(toSign).sign(signer)
  const whole = sequence(toSign, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(content)
  const { length } = bytes
  const long = length > 0xff ? [0x82, length >> 8, length & 0xff] : [0x81, length]
  return Buffer.concat([Buffer.from([tag, ...(length < 0x80 ? [length] : long)]), bytes])
}

function sequence(...content: readonly Buffer[]): Buffer {
  return der(0x30, ...content)
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

const integer = (bytes: Buffer): Buffer => der(0x02, bytes)
const name = (common: string): Buffer =>
  sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(common, 'utf8')))))
const time = (ms: number): Buffer =>
  der(0x18, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')}`, 'ascii'))
const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [Buffer.from([0x01, 0x01, 0xff])] : []), der(0x04, value))
